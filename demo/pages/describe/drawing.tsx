/** A grid of cells to draw on, by pointer and by keys. */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { percent, words } from "../../shell/language.ts";

const text = words({
  label: [
    "Picture, {size} rows by {size} columns. Arrow keys move, space draws, backspace erases.",
    "그림, {size}행 {size}열. 화살표 키로 움직이고 스페이스로 그리고 백스페이스로 지웁니다.",
  ],
  hint: [
    "Draw with the pointer, or focus the picture: arrow keys move, space draws, backspace erases.",
    "마우스나 손가락으로 그리세요. 키보드로는 화살표 키로 움직이고 스페이스로 그리고 백스페이스로 지웁니다.",
  ],
  at: ["Row {row}, column {column}: {share} filled", "{row}행 {column}열: {share} 칠해짐"],
});

/** Rows and columns, and CSS pixels of a cell before the browser scales it. */
const [SIZE, CELL] = [16, 16];
/** Cells that a stroke is wide. */
const PEN = 2;

export interface DrawingProps {
  /** 0 to 1, row after row. */
  readonly picture: readonly number[];
  readonly isErasing: boolean;
  readonly onDraw: (picture: readonly number[]) => void;
}

export function Drawing({ picture, isErasing, onDraw }: DrawingProps) {
  const frame = useRef<SVGSVGElement>(null);
  const place = useSignal<{ readonly row: number; readonly column: number } | undefined>(undefined);
  // A fast pointer draws again before the page does.
  const latest = useRef(picture);
  latest.current = picture;

  const go = (row: number, column: number) => {
    const within = (cell: number) => Math.max(0, Math.min(SIZE - PEN, cell));
    place.value = { row: within(row), column: within(column) };
    return place.value;
  };
  const paint = ({ row, column }: { readonly row: number; readonly column: number }, value: number) => {
    const isUnder = (cell: number, from: number) => cell >= from && cell < from + PEN;
    latest.current = latest.current.map((before, i) =>
      isUnder(Math.floor(i / SIZE), row) && isUnder(i % SIZE, column) ? value : before,
    );
    onDraw(latest.current);
  };
  const onPointer = (event: PointerEvent) => {
    const { left, top, width, height } = frame.current!.getBoundingClientRect();
    const cell = (at: number, length: number) => Math.round((at / length) * SIZE - PEN / 2);
    const reached = go(cell(event.clientY - top, height), cell(event.clientX - left, width));
    if (event.type === "pointerdown") frame.current!.setPointerCapture(event.pointerId);
    if (event.buttons > 0) paint(reached, isErasing ? 0 : 1);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { row, column } = place.value ?? go(7, 7);
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
    };
    const strokes: Readonly<Record<string, number>> = { " ": isErasing ? 0 : 1, Backspace: 0, Delete: 0 };
    const [move, stroke] = [moves[event.key], strokes[event.key]];
    if (!move && stroke === undefined) return;
    event.preventDefault();
    if (move) go(...move);
    if (stroke !== undefined) paint({ row, column }, stroke);
  };
  const at = place.value;
  const said = at && { row: at.row + 1, column: at.column + 1, share: percent(picture[at.row * SIZE + at.column]!) };
  return (
    <div class="stack">
      <div
        class="describe-frame"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keys draw on it
        tabIndex={0}
        aria-label={text("label", { size: SIZE })}
        onKeyDown={onKeyDown}
        onFocus={() => {
          place.value ??= { row: 7, column: 7 };
        }}
      >
        <svg
          ref={frame}
          id="drawing"
          viewBox={`0 0 ${SIZE * CELL} ${SIZE * CELL}`}
          aria-hidden="true"
          onPointerDown={onPointer}
          onPointerMove={onPointer}
        >
          {picture.map((value, i) => (
            <rect
              key={i}
              x={(i % SIZE) * CELL}
              y={Math.floor(i / SIZE) * CELL}
              width={CELL}
              height={CELL}
              fill-opacity={value}
            />
          ))}
          {at && (
            <rect class="describe-pen" x={at.column * CELL} y={at.row * CELL} width={PEN * CELL} height={PEN * CELL} />
          )}
        </svg>
      </div>
      <p class="sr" aria-live="polite">
        {said && text("at", said)}
      </p>
      <p class="hint">{text("hint")}</p>
    </div>
  );
}
