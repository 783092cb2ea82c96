/** What each computation reaches, below the roof that the same run has measured: Williams, Waterman and Patterson 2009. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Figure } from "../../shell/figure.tsx";
import { words } from "../../shell/language.ts";
import {
  bestCopy,
  bestProduct,
  gbsOf,
  gflopsOf,
  kindName,
  largestCopy,
  nameOf,
  short,
  sizeOf,
  type Timed,
  timed,
} from "./measuring.ts";
import { flopsOf, intensityOf } from "./tasks.ts";

const text = words({
  title: ["Roofline", "루프라인"],
  hint: [
    "Operations are the multiplications and additions of products. Bytes are all that a computation reads and writes when it keeps nothing in a cache. Each point is a median, its line the middle half of the rounds.",
    "연산은 행렬 곱의 곱셈과 덧셈입니다. 바이트는 캐시에 아무것도 남기지 않을 때 읽고 쓰는 양입니다. 점은 중앙값이고, 점을 지나는 선은 가운데 절반의 범위입니다.",
  ],
  label: [
    "Roofline with {count} points. Arrow keys go from point to point.",
    "점 {count}개의 루프라인. 화살표 키로 점에서 점으로 옮겨 갑니다.",
  ],
  x: ["operations per byte", "1바이트당 연산"],
  y: ["GFLOP/s", "GFLOP/s"],
  products: ["products", "행렬 곱"],
  point: [
    "{name}: {time} ms (middle half {low} to {high}), {gflops} GFLOP/s at {intensity} operations per byte.",
    "{name}: {time} ms(가운데 절반 {low}~{high}), 1바이트당 연산 {intensity}번, {gflops} GFLOP/s.",
  ],
  point0: [
    "Point at a dot, or focus the picture and use the arrow keys.",
    "점을 가리키거나, 그림에 초점을 맞추고 화살표 키를 쓰세요.",
  ],
  roof: ["{gflops} GFLOP/s", "{gflops} GFLOP/s"],
  slope: ["{gbs} GB/s ({size})", "{gbs} GB/s({size})"],
  what: ["Computation", "계산"],
  median: ["Median (ms)", "중앙값(ms)"],
  half: ["Middle half (ms)", "가운데 절반(ms)"],
  speed: ["GFLOP/s", "GFLOP/s"],
  moved: ["GB/s", "GB/s"],
  intensity: ["Operations per byte", "1바이트당 연산"],
  error: ["Difference from float64", "float64와의 차이"],
  between: ["{low} to {high}", "{low}~{high}"],
  soon: ["The first points come in a moment.", "곧 첫 점이 나타납니다."],
});

const kinds = ["product", "forward", "training", "stream"] as const;
const marks = {
  product: { color: "soft", shape: "M-4-4H4V4H-4Z" },
  forward: { color: "accent", shape: "M0-5A5 5 0 1 1 0 5A5 5 0 1 1 0-5Z" },
  training: { color: "warm", shape: "M0-5.5L5.5 4.5H-5.5Z" },
  stream: { color: "good", shape: "M0-6L6 0L0 6L-6 0Z" },
} as const;
const markName = (kind: (typeof kinds)[number]) => (kind === "product" ? text("products") : kindName(kind));

const edge = { left: 44, right: 12, top: 12, bottom: 40 };

/** Whole powers of ten around numbers. */
const decades = (numbers: readonly number[]): readonly [number, number] => [
  Math.floor(Math.log10(Math.min(...numbers))),
  Math.ceil(Math.log10(Math.max(...numbers))),
];
const between = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

export function Roofline() {
  const frame = useRef<HTMLDivElement>(null);
  const width = useSignal(340);
  const at = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      width.value = frame.current!.clientWidth;
    });
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  const points = timed.value
    .filter((result) => flopsOf(result) > 0 && !(result.kind === "product" && result.N < 16))
    .sort((a, b) => intensityOf(a) - intensityOf(b));
  const height = Math.round(Math.max(260, Math.min(430, width.value * 0.72)));
  const here = points.findIndex((point) => nameOf(point) === at.value);
  const table = () => ({
    head: [text("what"), text("median"), text("half"), text("speed"), text("moved"), text("intensity"), text("error")],
    rows: timed.value.map((result) => [
      nameOf(result),
      short(result.times.median),
      text("between", { low: short(result.times.low), high: short(result.times.high) }),
      ...(flopsOf(result) > 0 ? [short(gflopsOf(result))] : ["–"]),
      ...(gbsOf(result) > 0 ? [short(gbsOf(result))] : ["–"]),
      ...(flopsOf(result) > 0 ? [short(intensityOf(result))] : ["–"]),
      result.error.toExponential(1),
    ]),
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Readonly<Record<string, number>> = {
      ...{ ArrowRight: here + 1, ArrowUp: here + 1, ArrowLeft: here - 1, ArrowDown: here - 1 },
      ...{ Home: 0, End: points.length - 1 },
    };
    const next = moves[event.key];
    if (next === undefined || points.length === 0) return;
    event.preventDefault();
    at.value = nameOf(points[Math.max(0, Math.min(points.length - 1, next))]!);
  };
  const shown = points[here];
  const said = shown
    ? text("point", {
        name: nameOf(shown),
        time: short(shown.times.median),
        ...{ low: short(shown.times.low), high: short(shown.times.high) },
        ...{ gflops: short(gflopsOf(shown)), intensity: short(intensityOf(shown)) },
      })
    : text("point0");
  return (
    <Figure title={text("title")} hint={text("hint")} table={table}>
      <p class="speed-legend" aria-hidden="true">
        {kinds.map((kind) => (
          <span key={kind}>
            <svg viewBox="-7 -7 14 14" aria-hidden="true">
              <path d={marks[kind].shape} fill={`var(--${marks[kind].color})`} />
            </svg>
            {markName(kind)}
          </span>
        ))}
      </p>
      <div
        ref={frame}
        class="speed-roofline"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keys move over it
        tabIndex={0}
        aria-label={text("label", { count: points.length })}
        style={{ height: `${height}px` }}
        onKeyDown={onKeyDown}
      >
        {points.length > 0 ? (
          <Plot
            points={points}
            here={here}
            size={{ width: width.value, height }}
            onPoint={(name) => (at.value = name)}
          />
        ) : (
          <p class="empty">{text("soon")}</p>
        )}
      </div>
      <p class="readout" aria-live="polite">
        {said}
      </p>
    </Figure>
  );
}

interface PlotProps {
  readonly points: readonly Timed[];
  /** Which one is told of. */
  readonly here: number;
  readonly size: { readonly width: number; readonly height: number };
  readonly onPoint: (name: string) => void;
}

function Plot({ points, here, size: { width, height }, onPoint }: PlotProps) {
  const peak = bestProduct.value && gflopsOf(bestProduct.value);
  const [best, largest] = [bestCopy.value, largestCopy.value];
  // Where a cache makes no difference, one slope says all.
  const slopes = [best, ...(best && largest && gbsOf(best) > 1.1 * gbsOf(largest) ? [largest] : [])].flatMap((one) =>
    one?.kind === "copy" ? [{ gbs: gbsOf(one), size: sizeOf(one.bytes) }] : [],
  );
  const [left, right] = decades(points.map(intensityOf));
  const [low, high] = decades([
    ...points.flatMap((point) => [point.times.low, point.times.high].map((time) => flopsOf(point) / time / 1e6)),
    ...(peak ? [peak, ...slopes.map(({ gbs }) => Math.min(peak, gbs * 10 ** left))] : []),
  ]);
  const x = (intensity: number) =>
    edge.left + ((Math.log10(intensity) - left) / (right - left)) * (width - edge.left - edge.right);
  const y = (speed: number) =>
    height - edge.bottom - ((Math.log10(speed) - low) / Math.max(1, high - low)) * (height - edge.top - edge.bottom);
  const nearest = ({ offsetX, offsetY }: PointerEvent) => {
    const distance = (one: Timed) => Math.hypot(x(intensityOf(one)) - offsetX, y(gflopsOf(one)) - offsetY);
    const found = points.reduce((best, one) => (distance(one) < distance(best) ? one : best));
    if (distance(found) < 30) onPoint(nameOf(found));
  };
  return (
    <svg width={width} height={height} aria-hidden="true" onPointerMove={nearest} onPointerDown={nearest}>
      {between(left, right).map((power) => (
        <g key={power}>
          <line class="grid" x1={x(10 ** power)} x2={x(10 ** power)} y1={edge.top} y2={height - edge.bottom} />
          <text x={x(10 ** power)} y={height - edge.bottom + 16} text-anchor="middle">
            {short(10 ** power)}
          </text>
        </g>
      ))}
      {between(low, high).map((power) => (
        <g key={power}>
          <line class="grid" x1={edge.left} x2={width - edge.right} y1={y(10 ** power)} y2={y(10 ** power)} />
          <text x={edge.left - 6} y={y(10 ** power) + 4} text-anchor="end">
            {short(10 ** power)}
          </text>
        </g>
      ))}
      <text x={(edge.left + width) / 2} y={height - 6} text-anchor="middle">
        {text("x")}
      </text>
      <text x={edge.left + 6} y={edge.top + 12}>
        {text("y")}
      </text>
      {peak && <Roof peak={peak} slopes={slopes} from={10 ** left} to={10 ** right} x={x} y={y} />}
      {points.map((point, i) => {
        const { color, shape } = marks[point.kind as keyof typeof marks];
        const speedAt = (milliseconds: number) => y(flopsOf(point) / milliseconds / 1e6);
        const place = x(intensityOf(point));
        return (
          <g key={nameOf(point)} class={i === here ? "here" : undefined} data-kind={point.kind}>
            <line
              stroke={`var(--${color})`}
              x1={place}
              x2={place}
              y1={speedAt(point.times.high)}
              y2={speedAt(point.times.low)}
            />
            <path
              d={shape}
              fill={`var(--${color})`}
              transform={`translate(${place} ${speedAt(point.times.median)})${i === here ? " scale(1.5)" : ""}`}
            />
          </g>
        );
      })}
    </svg>
  );
}

interface RoofProps {
  readonly peak: number;
  readonly slopes: readonly { readonly gbs: number; readonly size: string }[];
  /** Of the operations per byte that are shown. */
  readonly from: number;
  readonly to: number;
  readonly x: (intensity: number) => number;
  readonly y: (speed: number) => number;
}

function Roof({ peak, slopes, from, to, x, y }: RoofProps) {
  return (
    <>
      <text class="roof-name" x={x(to) - 4} y={y(peak) - 6} text-anchor="end">
        {text("roof", { gflops: short(peak) })}
      </text>
      {slopes.map(({ gbs, size }, i) => {
        const speed = (intensity: number) => y(Math.min(peak, gbs * intensity));
        const ridge = Math.min(to, Math.max(from, peak / gbs));
        const [dx, dy] = [x(ridge) - x(from), speed(ridge) - speed(from)];
        return (
          <g key={size}>
            <path
              class="roof"
              stroke-dasharray={i > 0 ? "5 5" : undefined}
              d={`M${x(from)} ${speed(from)}L${x(ridge)} ${speed(ridge)}${i > 0 ? "" : `L${x(to)} ${speed(to)}`}`}
            />
            {/* Along the line and on its outer side, so that the two do not meet. */}
            {Math.hypot(dx, dy) > 80 && (
              <text
                class="roof-name"
                text-anchor="middle"
                transform={`translate(${x(from) + dx / 2} ${speed(from) + dy / 2}) rotate(${(Math.atan2(dy, dx) * 180) / Math.PI}) translate(0 ${i > 0 ? 15 : -6})`}
              >
                {text("slope", { gbs: short(gbs), size })}
              </text>
            )}
          </g>
        );
      })}
    </>
  );
}
