import { useSignal } from "@preact/signals";
import { Figure } from "../../shell/figure.tsx";
import { number, percent, words } from "../../shell/language.ts";
import { useAnswer } from "../../shell/live-training.ts";
import { Pad, type Pen } from "../../shell/pad.tsx";
import { ownMoves, training } from "./live.ts";
import { boxOf, nearestSign, outline, scaled } from "./outline.ts";
import { movesOf } from "./resample.ts";
import type { Squeezed } from "./worker.ts";

const text = words({
  title: ["Your own stroke", "직접 쓴 획"],
  field: ["Field for one stroke", "한 획을 쓰는 칸"],
  hint: [
    "Write 0, 2, 3, 6, L or W in one go, from its usual beginning. Blue is yours, orange is what comes back from two numbers. The ring on the map is its place.",
    "0, 2, 3, 6, L, W 가운데 하나를 평소처럼 한 획으로 써 보세요. 파란색은 쓴 획, 주황색은 두 수에서 되살린 획입니다. 지도의 고리가 그 자리입니다.",
  ],
  none: ["Nothing is written yet.", "아직 쓴 획이 없습니다."],
  said: [
    "Nearest to “{sign}”. Error {error}: larger than that of {share} of the strokes that are not odd.",
    "‘{sign}’에 가장 가깝습니다. 오차 {error}: 이상하지 않은 획 {share}의 오차보다 큽니다.",
  ],
  place: ["point", "점"],
  right: ["right", "오른쪽"],
  down: ["down", "아래"],
  back: ["comes back: {name}", "되살린 값: {name}"],
});

type Line = readonly (readonly [x: number, y: number])[];

/** Shorter lines are a touch, and no stroke. */
const LEAST_LENGTH = 0.05;

/** A field for a stroke, which is squeezed and restored. */
export function OwnStroke({ strokes }: { readonly strokes: readonly Squeezed[] }) {
  const line = useSignal<Line>([]);
  const isDown = useSignal(false);
  const answer = useAnswer(training, "own", ownMoves.value)?.answer;

  const onPen = (pen: Pen) => {
    const began = pen.isDown && !isDown.value;
    const ended = !pen.isDown && isDown.value;
    isDown.value = pen.isDown;
    if (began) {
      ownMoves.value = undefined;
      line.value = [[pen.x, pen.y]];
    } else if (pen.isDown || ended) line.value = [...line.value, [pen.x, pen.y]];
    if (!ended) return;
    const moves = movesOf(line.value);
    if (boxOf(moves).size > LEAST_LENGTH) ownMoves.value = scaled(moves);
  };

  const moves = ownMoves.value;
  const back = moves && answer;
  const usual = strokes.filter(({ isOdd }) => !isOdd);
  const box = moves && lineBox(line.value);
  const table = () => ({
    head: [text("place"), ...[text("right"), text("down")].flatMap((name) => [name, text("back", { name })])],
    rows: (moves ?? []).map((move, t) => [
      t + 1,
      ...[0, 1].flatMap((k) => [number(move[k]!, 3), back ? number(back.restored[t]![k]!, 3) : "–"]),
    ]),
  });
  return (
    <Figure title={text("title")} hint={text("hint")} table={table}>
      <Pad name={text("field")} onPen={onPen}>
        <polyline class="autoencode-written" points={line.value.map(([x, y]) => `${x * 100},${y * 100}`).join(" ")} />
        {back && box && (
          <polyline
            class="autoencode-restored"
            points={outline(back.restored, [box.x * 100, box.y * 100], box.size * 100)}
          />
        )}
      </Pad>
      <p id="own" class="readout" role="status">
        {back
          ? text("said", {
              sign: nearestSign(strokes, back.vector),
              error: number(back.error, 4),
              share: percent(usual.filter(({ error }) => error < back.error).length / usual.length),
            })
          : text("none")}
      </p>
    </Figure>
  );
}

/** Middle and longer side of what was written, in shares of the field. */
function lineBox(line: Line) {
  const [first] = line;
  const moves = line.slice(1).map(([x, y], i) => [x - line[i]![0], y - line[i]![1]]);
  const { x, y, size } = boxOf(moves);
  return { x: first![0] + x, y: first![1] + y, size };
}
