import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Figure } from "../../shell/figure.tsx";
import { number, words } from "../../shell/language.ts";
import { useAnswer } from "../../shell/live-training.ts";
import { Pad } from "../../shell/pad.tsx";
import { ownMoves, training } from "./live.ts";
import { frameOf, nearestSign, outline, placeOf, vectorAt } from "./outline.ts";
import type { Squeezed } from "./worker.ts";

const text = words({
  map: ["A map of the vectors", "벡터의 지도"],
  field: ["Map: the stroke of each place", "지도: 자리마다 나오는 획"],
  hint: [
    "Each small stroke stands where its two numbers put it; odd ones are orange. Move over the map, and the decoder draws the stroke of that place, also where none is.",
    "작은 획마다 두 수가 가리키는 자리에 있고, 이상한 획은 주황색입니다. 지도 위를 움직이면 획이 없던 자리에서도 디코더가 그 자리의 획을 그립니다.",
  ],
  here: ["The stroke of this place", "이 자리의 획"],
  said: ["Vector ({a}, {b}). Nearest to “{sign}”.", "벡터 ({a}, {b}). ‘{sign}’에 가장 가깝습니다."],
  sign: ["Sign", "글자"],
  first: ["first number", "첫째 수"],
  second: ["second number", "둘째 수"],
  error: ["error", "오차"],
});

export interface StrokeMapProps {
  readonly strokes: readonly Squeezed[];
  /** Under the stroke of the place. */
  readonly children: ComponentChildren;
}

/** Strokes at their vectors, and what the decoder makes of the place that is pointed at: two columns. */
export function StrokeMap({ strokes, children }: StrokeMapProps) {
  const place = useSignal<readonly [number, number]>([0.5, 0.5]);
  const frame = frameOf(strokes.filter(({ isOdd }) => !isOdd));
  const vector = vectorAt(frame, place.value);
  const answered = useAnswer(training, "restore", vector)?.answer;
  const own = useAnswer(training, "own", ownMoves.value)?.answer;
  const [x, y] = place.value;
  const mark = (list: readonly number[]) => {
    const [cx, cy] = placeOf(frame, list);
    return { cx: cx * 100, cy: cy * 100 };
  };
  const table = () => ({
    head: [text("sign"), text("first"), text("second"), text("error")],
    rows: strokes.map(({ sign, vector, error }) => [sign, ...vector.map((v) => number(v, 2)), number(error, 4)]),
  });
  return (
    <>
      <Figure title={text("map")} hint={text("hint")} table={table}>
        <Pad
          name={text("field")}
          onPen={(pen) => {
            place.value = [pen.x, pen.y];
          }}
        >
          {strokes.map(({ moves, vector, sign, isOdd }, i) => {
            const [right, down] = placeOf(frame, vector);
            return (
              <polyline
                key={i}
                class={isOdd ? "autoencode-small autoencode-odd" : "autoencode-small"}
                data-sign={sign}
                points={outline(moves, [right * 100, down * 100], 4)}
              />
            );
          })}
          {own && <circle class="autoencode-own-place" {...mark(own.vector)} r={3.5} />}
          <circle class="autoencode-here" cx={x * 100} cy={y * 100} r={2.2} />
        </Pad>
      </Figure>
      <div class="stack">
        <h2>{text("here")}</h2>
        <svg id="restored" class="autoencode-large" viewBox="0 0 100 100" role="img" aria-label={text("here")}>
          {answered && <polyline class="autoencode-restored" points={outline(answered, [50, 50], 58)} />}
        </svg>
        <p id="nearest" class="readout" aria-live="polite">
          {text("said", {
            a: number(vector[0]!, 2),
            b: number(vector[1]!, 2),
            sign: nearestSign(strokes, vector),
          })}
        </p>
        {children}
      </div>
    </>
  );
}
