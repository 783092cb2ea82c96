/** The network unrolled in time: a circle for each number, a line for each weight. From left to right; on phones, downwards. */
import { signal } from "@preact/signals";
import type { Weights } from "./data.ts";
import { type Factors, stepOf } from "./factors.ts";
import type { Light } from "./moments.ts";

/** The symbol that the reader points at, in the picture, in an equation or in the list of symbols. */
export const pointed = signal<string | undefined>(undefined);

/** h stands for h₁, h₂ and h₃, W for every use of it. */
export const isPointed = (symbol: string): boolean =>
  pointed.value === symbol || pointed.value === symbol.replace(/\d$/, "");

const narrow = matchMedia("(max-width: 640px)");
const isNarrow = signal(narrow.matches);
narrow.addEventListener("change", () => {
  isNarrow.value = narrow.matches;
});

const RADIUS = 24;
/** Between two steps, and how far the two units of a step stand apart along the time. */
const [PACE, STAGGER] = [152, 26];
/** Across the time: the units of a layer, and what comes in. */
const units = [84, 176];
const INPUT = 290;

export interface DiagramProps {
  readonly label: string;
  readonly x: readonly number[];
  readonly h: readonly number[];
  readonly y: readonly number[];
  readonly loss: number;
  readonly weights: Weights;
  readonly factors: Factors;
  readonly light: Light;
  /** Which step the first one is; 1, or 3 for a network that sees the last one only. */
  readonly from?: number;
  /** Gradients do not go further back than into this step. */
  readonly cutBefore?: number;
  readonly cutLabel?: string;
}

type Place = readonly [along: number, across: number];

const minus = (value: number, digits = 2) => {
  const written = value.toFixed(digits);
  return (Number(written) === 0 ? (0).toFixed(digits) : written).replace("-", "−");
};
const sub = (symbol: string) => symbol.replace(/\d/, (digit) => "₀₁₂₃"[Number(digit)]!);

export function Diagram(props: DiagramProps) {
  const { label, x, h, y, loss, weights, factors, light, from = 1, cutBefore } = props;
  const T = h.length / 2;
  const I = weights.U.length / 2;
  const first = from === 1 ? 58 : -64;
  const isDown = isNarrow.value;
  const unit = (t: number, i: number): Place => [first + t * PACE + (i === 0 ? -STAGGER : STAGGER), units[i]!];
  const input = (t: number): Place => [first + t * PACE - STAGGER, INPUT];
  const bias = (t: number): Place => [first + t * PACE + STAGGER + 4, INPUT];
  const output = (k: number): Place => [first + (T + 1) * PACE, units[k]!];
  const loss_: Place = [first + (T + 1) * PACE, INPUT];
  const length = first + (T + 1) * PACE + 44;
  const xy = ([along, across]: Place): Place => (isDown ? [across, along * 0.84 + 8] : [along, across]);
  const state = (symbol: string) => {
    const at = [isPointed(symbol) && "pointed", light.used.has(symbol) && "used", light.back.has(symbol) && "back"];
    const isLit = light.lit.has(symbol) || light.used.has(symbol) || light.back.has(symbol);
    return [...at, !isLit && "dim"].filter(Boolean).join(" ");
  };
  const edge = (symbol: string, a: Place, b: Place, weight: number | undefined, key: string) => {
    const [[x1, y1], [x2, y2]] = [xy(a), xy(b)];
    const sign = weight === undefined ? "plain" : weight < 0 ? "minus" : "plus";
    const width = 1.2 + 1.6 * Math.min(2, Math.abs(weight ?? 0.3));
    const style = { "--width": `${width}px` };
    return (
      <line key={key} data-symbol={symbol} class={`${sign} ${state(symbol)}`} style={style} {...{ x1, y1, x2, y2 }} />
    );
  };
  const node = (symbol: string, at: Place, value: string, gradient?: number) => {
    const [cx, cy] = xy(at);
    const isBack = gradient !== undefined && light.back.size > 0 && light.lit.has(symbol);
    return (
      <g key={`${symbol} ${at}`} data-symbol={symbol} class={`node ${state(symbol)}`}>
        <circle cx={cx} cy={cy} r={RADIUS} />
        <text x={cx} y={cy + 5}>
          {value}
        </text>
        {isBack && (
          <text class="gradient" x={cx} y={cy + RADIUS + 14}>
            {minus(gradient, 3)}
          </text>
        )}
      </g>
    );
  };
  const name = (symbol: string, at: Place, text: string) => {
    const [nx, ny] = xy(at);
    return (
      <text key={text} data-symbol={symbol} class={`name ${state(symbol)}`} x={nx} y={ny + 5}>
        {text}
      </text>
    );
  };
  const steps = Array.from({ length: T }, (_, i) => i + 1);
  /** A symbol of step t, as the whole sequence counts. */
  const of = (symbol: string, t: number) => `${symbol}${from + t - 1}`;
  const both = [0, 1];
  /** Of a name from the middle of its circle. */
  const beside = isDown ? 42 : 37;
  const [width, height] = isDown ? [340, length * 0.84 + 16] : [length, INPUT + 50];
  const cutAt = cutBefore && cutBefore > 1 ? xy([first + (cutBefore - 0.5) * PACE, 14]) : undefined;
  const cutEnd = cutBefore && cutBefore > 1 ? xy([first + (cutBefore - 0.5) * PACE, INPUT + 40]) : undefined;
  const at = (event: Event) => {
    pointed.value = (event.target as Element).closest<SVGElement>("[data-symbol]")?.dataset.symbol;
  };
  const leave = () => {
    pointed.value = undefined;
  };
  return (
    <svg
      class="recurrence-net"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
      style={{ maxWidth: `${width}px` }}
      onPointerOver={at}
      onPointerLeave={leave}
    >
      {steps.map((t) => (
        <g key={t}>
          {both.map((i) => edge(of("U", t), input(t), unit(t, i), weights.U[i * I]!, `U${i}`))}
          {both.map((i) => edge(of("b", t), bias(t), unit(t, i), weights.b[i]!, `b${i}`))}
          {from === 1 &&
            both.flatMap((i) =>
              both.map((j) => edge(of("W", t), unit(t - 1, j), unit(t, i), weights.W[2 * i + j]!, `W${i}${j}`)),
            )}
        </g>
      ))}
      {both.flatMap((k) => both.map((i) => edge("V", unit(T, i), output(k), weights.V[2 * k + i]!, `V${k}${i}`)))}
      {edge("L", output(1), loss_, undefined, "L")}
      {cutAt && cutEnd && (
        <g class="cut">
          <line x1={cutAt[0]} y1={cutAt[1]} x2={cutEnd[0]} y2={cutEnd[1]} />
          <text x={isDown ? 300 : cutAt[0]} y={isDown ? cutAt[1] - 6 : cutEnd[1] + 6}>
            {props.cutLabel}
          </text>
        </g>
      )}
      {from === 1 && both.map((i) => node("h0", unit(0, i), "0"))}
      {from === 1 && name("h0", [first, 30], "h₀")}
      {steps.map((t) => {
        return (
          <g key={t}>
            {name(of("h", t), [first + t * PACE, 30], sub(of("h", t)))}
            {name(of("U", t), [first + t * PACE - STAGGER - 12, 232], "U")}
            {from === 1 && name(of("W", t), [first + (t - 0.5) * PACE, 62], "W")}
            {both.map((i) => node(of("h", t), unit(t, i), minus(stepOf(h, t)[i]!), factors.steps[t - 1]!.byH[i]))}
            {node(of("x", t), input(t), minus(x[t - 1]!, 1))}
            {name(of("x", t), [first + t * PACE - STAGGER - beside, INPUT], sub(of("x", t)))}
            <g data-symbol={of("b", t)} class={`node small ${state(of("b", t))}`}>
              <circle cx={xy(bias(t))[0]} cy={xy(bias(t))[1]} r="13" />
              <text x={xy(bias(t))[0]} y={xy(bias(t))[1] + 5}>
                b
              </text>
            </g>
          </g>
        );
      })}
      {name("V", [first + (T + 0.55) * PACE, 62], "V")}
      {name("y", [first + (T + 1) * PACE, 30], "y")}
      {both.map((k) => node("y", output(k), minus(y[k]!), factors.byZ[k]))}
      {node("E", loss_, minus(loss))}
      {name("E", [first + (T + 1) * PACE - beside, INPUT], "E₃")}
    </svg>
  );
}
