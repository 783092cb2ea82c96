/** What each computation reaches, below the roof that the same run has measured: Williams, Waterman and Patterson 2009. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Figure } from "../../shell/figure.tsx";
import { words } from "../../shell/language.ts";
import { gbsOf, gflopsOf, kindName, nameOf, short, timed } from "./measuring.ts";
import { marks, Plot } from "./plot.tsx";
import { flopsOf, intensityOf } from "./tasks.ts";

const text = words({
  title: ["Roofline", "루프라인"],
  hint: [
    "Operations are the multiplications and additions of products. Bytes are all that a computation reads and writes when it keeps nothing in a cache. Each point is a median, its line the middle half of the rounds; the roof is the fastest round of all.",
    "연산은 행렬 곱의 곱셈과 덧셈입니다. 바이트는 캐시에 아무것도 남기지 않을 때 읽고 쓰는 양입니다. 점은 중앙값, 점을 지나는 선은 가운데 절반의 범위이고, 지붕은 가장 빨랐던 한 번입니다.",
  ],
  label: [
    "Roofline with {count} points. Arrow keys go from point to point.",
    "점 {count}개의 루프라인. 화살표 키로 점에서 점으로 옮겨 갑니다.",
  ],
  products: ["products", "행렬 곱"],
  point: [
    "{name}: {time} ms (middle half {low} to {high}), {gflops} GFLOP/s at {intensity} operations per byte.",
    "{name}: {time} ms(가운데 절반 {low}~{high}), 1바이트당 연산 {intensity}번, {gflops} GFLOP/s.",
  ],
  point0: [
    "Point at a dot, or focus the picture and use the arrow keys.",
    "점을 가리키거나, 그림에 초점을 맞추고 화살표 키를 쓰세요.",
  ],
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
const markName = (kind: (typeof kinds)[number]) => (kind === "product" ? text("products") : kindName(kind));

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
