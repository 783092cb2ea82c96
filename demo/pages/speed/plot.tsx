/** The picture of the roofline: both axes in powers of ten, the roof, and a mark for each computation. */
import { words } from "../../shell/language.ts";
import {
  bestCopy,
  bestGbsOf,
  bestGflopsOf,
  bestProduct,
  gflopsOf,
  largestCopy,
  nameOf,
  short,
  sizeOf,
  type Timed,
} from "./measuring.ts";
import { flopsOf, intensityOf } from "./tasks.ts";

const text = words({
  x: ["operations per byte", "1바이트당 연산"],
  y: ["GFLOP/s", "GFLOP/s"],
  roof: ["{gflops} GFLOP/s", "{gflops} GFLOP/s"],
  slope: ["{gbs} GB/s ({size})", "{gbs} GB/s({size})"],
});

export const marks = {
  product: { color: "soft", shape: "M-4-4H4V4H-4Z" },
  forward: { color: "accent", shape: "M0-5A5 5 0 1 1 0 5A5 5 0 1 1 0-5Z" },
  training: { color: "warm", shape: "M0-5.5L5.5 4.5H-5.5Z" },
  stream: { color: "good", shape: "M0-6L6 0L0 6L-6 0Z" },
} as const;

const edge = { left: 44, right: 12, top: 12, bottom: 40 };

/** Pixels that the name of a slope needs: on a phone it stands only in the sentences. */
const LABEL = 115;

/** Whole powers of ten around numbers. */
const decades = (numbers: readonly number[]): readonly [number, number] => [
  Math.floor(Math.log10(Math.min(...numbers))),
  Math.ceil(Math.log10(Math.max(...numbers))),
];
const between = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

interface PlotProps {
  readonly points: readonly Timed[];
  /** Which one is told of. */
  readonly here: number;
  readonly size: { readonly width: number; readonly height: number };
  readonly onPoint: (name: string) => void;
}

export function Plot({ points, here, size: { width, height }, onPoint }: PlotProps) {
  const peak = bestProduct.value && bestGflopsOf(bestProduct.value);
  const [best, largest] = [bestCopy.value, largestCopy.value];
  // Where a cache makes no difference, one slope says all.
  const copies = best && largest && bestGbsOf(best) > 1.1 * bestGbsOf(largest) ? [best, largest] : [best ?? []].flat();
  const slopes = copies.map((copy) => ({ gbs: bestGbsOf(copy), size: sizeOf(copy.bytes) }));
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
            {Math.hypot(dx, dy) > LABEL && (
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
