/** Vectors of two numbers as points of a plane, which glide to where they are next. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Figure } from "../../shell/figure.tsx";
import { number, words } from "../../shell/language.ts";
import { placeLabels } from "./place-labels.ts";

const text = words({
  vector: ["vector", "벡터"],
  first: ["first number", "첫째 수"],
  second: ["second number", "둘째 수"],
  soon: ["The vectors come in a moment.", "곧 벡터가 나타납니다."],
});

export interface Place {
  readonly name: string;
  readonly vector: readonly number[];
  /** A custom property of base.css. */
  readonly color: string;
  /** Round where it is false. */
  readonly isSquare?: boolean;
}

export interface VectorMapProps {
  readonly title: string;
  readonly hint: string;
  readonly places: readonly Place[];
  readonly height: number;
  readonly chosen?: number;
  readonly onChoose?: (index: number) => void;
  /** Stands right below the map. */
  readonly children?: ComponentChildren;
}

/** Pixels of a line of labels. */
const LINE = 17;
/** About as wide as its letters are; Hangul is wider. */
const widthOf = (name: string) =>
  [...name].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 0x1100 ? 13 : 7.2), 4);

export function VectorMap({ title, hint, places, height, chosen, onChoose, children }: VectorMapProps) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useSignal(320);
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      width.value = frame.current!.clientWidth;
    });
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  const limit = Math.max(0.5, ...places.flatMap(({ vector }) => vector.map(Math.abs))) * 1.08;
  const [centerX, centerY] = [width.value / 2, height / 2];
  const points = places.map(({ name, vector: [x = 0, y = 0] }) => ({
    x: centerX + (x / limit) * (centerX - 16),
    y: centerY - (y / limit) * (centerY - 12),
    width: widthOf(name),
    height: LINE,
  }));
  const labels = placeLabels(points, width.value, height);
  const table = () => ({
    head: [text("vector"), text("first"), text("second")],
    rows: places.map(({ name, vector }) => [name, ...vector.map((value) => number(value, 2))]),
  });
  const move = (x: number, y: number) => ({ transform: `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)` });
  return (
    <Figure title={title} hint={hint} table={table}>
      <div ref={frame} class="vectors-map" style={{ height: `${height}px` }}>
        {places.length === 0 && <p class="empty">{text("soon")}</p>}
        {places.map(({ name, color, isSquare }, i) => (
          <i
            key={name}
            class={isSquare ? "square" : undefined}
            style={{ background: `var(--${color})`, ...move(points[i]!.x, points[i]!.y) }}
          />
        ))}
        {places.map(({ name, color }, i) => {
          const style = { color: `var(--${color})`, ...move(labels[i]!.x, labels[i]!.y) };
          // By keys, a word is chosen in the list beside the map.
          return onChoose ? (
            <button
              key={name}
              type="button"
              tabIndex={-1}
              class={i === chosen ? "chosen" : undefined}
              style={style}
              onClick={() => onChoose(i)}
            >
              {name}
            </button>
          ) : (
            <span key={name} style={style}>
              {name}
            </span>
          );
        })}
      </div>
      {children}
    </Figure>
  );
}
