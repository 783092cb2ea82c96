/** Numbers as colours in rows and columns: states by step, attention, confusion. Moved over by pointer and by keys. */
import { type Signal, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Figure, type Table } from "./figure.tsx";
import { HeatCanvas } from "./heat-canvas.tsx";
import { number, words } from "./language.ts";

const text = words({
  label: [
    "{name}: {rows} rows by {columns} columns. Arrow keys move, Home and End jump.",
    "{name}: {rows}행 {columns}열. 화살표 키로 움직이고 Home과 End로 양 끝으로 갑니다.",
  ],
  hint: ["Point at it, or focus it and use the arrow keys.", "가리키거나, 초점을 맞추고 화살표 키를 쓰세요."],
  at: ["{row}, {column}: {value}", "{row}, {column}: {value}"],
});

/** Of columns, so that they can be read side by side. */
const MOST_NAMES = 40;

export interface Place {
  readonly row: number;
  readonly column: number;
}

export interface HeatMapProps {
  readonly title: string;
  readonly hint?: string;
  /** By row and column. */
  readonly values: readonly (readonly number[])[];
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** `diverging` from -limit over 0 to limit, `sequential` from 0 to limit. */
  readonly scale?: "diverging" | "sequential";
  /** Default 1. */
  readonly limit?: number;
  /** CSS pixels of a row; default 18. */
  readonly rowHeight?: number;
  readonly digits?: number;
  /** What is said of a place; default its labels and its value. */
  readonly readout?: (place: Place, value: number) => string;
  readonly onPlace?: (place: Place) => void;
  /** Where it is pointed at, for a page that points as well. */
  readonly place?: Signal<Place | undefined>;
  /** CSS pixels that a column needs at least: what is wider than the page is scrolled. */
  readonly columnWidth?: number;
  /** Default: all numbers. */
  readonly table?: () => Table;
}

export function HeatMap(props: HeatMapProps) {
  const { title, hint, values, rows, columns, scale = "diverging", limit = 1, rowHeight = 18, digits = 2 } = props;
  const { columnWidth } = props;
  // Columns that are as wide as they need have room for all names.
  const every = columnWidth === undefined ? Math.ceil(columns.length / MOST_NAMES) : 1;
  const area = useRef<HTMLDivElement>(null);
  const here = useRef<HTMLElement>(null);
  const ownPlace = useSignal<Place | undefined>(undefined);
  const place = props.place ?? ownPlace;

  const go = (row: number, column: number) => {
    const next = {
      row: Math.max(0, Math.min(rows.length - 1, row)),
      column: Math.max(0, Math.min(columns.length - 1, column)),
    };
    place.value = next;
    props.onPlace?.(next);
  };
  const onPointer = (event: PointerEvent) => {
    const { left, top, width, height } = area.current!.getBoundingClientRect();
    go(
      Math.floor(((event.clientY - top) / height) * rows.length),
      Math.floor(((event.clientX - left) / width) * columns.length),
    );
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { row, column } = place.value ?? { row: 0, column: 0 };
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, columns.length - 1],
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    place.value ? go(...move) : go(row, event.key === "End" ? columns.length - 1 : column);
    // Once it is drawn there.
    requestAnimationFrame(() => here.current?.scrollIntoView({ block: "nearest", inline: "nearest" }));
  };
  const at = rows.length > 0 && columns.length > 0 ? place.value : undefined;
  const value = at && values[at.row]?.[at.column];
  const said =
    at && value !== undefined
      ? (props.readout?.(at, value) ??
        text("at", { row: rows[at.row]!, column: columns[at.column]!, value: number(value, digits) }))
      : text("hint");
  const allNumbers = () => ({
    head: [title, ...columns],
    rows: rows.map((name, r) => [name, ...(values[r] ?? []).map((found) => number(found, digits))]),
  });
  const width = { minWidth: columnWidth === undefined ? 0 : `${columns.length * columnWidth}px` };
  return (
    <Figure title={title} {...(hint !== undefined && { hint })} table={props.table ?? allNumbers}>
      <p class="heat-scale" aria-hidden="true">
        {number(scale === "diverging" ? -limit : 0, digits)}
        <span class={`heat-colours ${scale}`} />
        {number(limit, digits)}
      </p>
      <div class="heat">
        {rowHeight >= 14 && (
          <ol class="heat-rows" aria-hidden="true">
            {rows.map((name, r) => (
              <li key={r} style={{ height: `${rowHeight}px` }}>
                {name}
              </li>
            ))}
          </ol>
        )}
        <div class="heat-frame">
          <div
            ref={area}
            class={columnWidth === undefined ? undefined : "heat-swiped"}
            style={width}
            role="application"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: keys move over it
            tabIndex={0}
            aria-label={text("label", { name: title, rows: rows.length, columns: columns.length })}
            onKeyDown={onKeyDown}
            onPointerMove={onPointer}
            onPointerDown={onPointer}
          >
            <HeatCanvas values={values} scale={scale} limit={limit} height={rows.length * rowHeight} />
            {at && (
              <i
                class="heat-here-row"
                style={{ top: `${(at.row / rows.length) * 100}%`, height: `${100 / rows.length}%` }}
              />
            )}
            {at && (
              <i
                ref={here}
                class="heat-here"
                style={{
                  left: `${(at.column / columns.length) * 100}%`,
                  top: `${(at.row / rows.length) * 100}%`,
                  width: `${100 / columns.length}%`,
                  height: `${100 / rows.length}%`,
                }}
              />
            )}
          </div>
          <ol class="heat-columns" style={width} aria-hidden="true">
            {columns.map((name, c) => (
              <li key={c}>{c % every === 0 ? name : ""}</li>
            ))}
          </ol>
        </div>
      </div>
      <p class="readout" aria-live="polite">
        {said}
      </p>
    </Figure>
  );
}
