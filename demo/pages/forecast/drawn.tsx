import { effect, signal } from "@preact/signals";
import { Figure } from "../../shell/figure.tsx";
import { number, words } from "../../shell/language.ts";
import { Pad, type Pen } from "../../shell/pad.tsx";
import { begun, COLUMNS, type Curve, drawnTo, isEnough, seriesOfCurve, type Wave, waveNames, waveOf } from "./curve.ts";
import { given } from "./live.ts";
import type { ShownRow } from "./worker.ts";

const text = words({
  title: ["Draw a curve from left to right", "왼쪽에서 오른쪽으로 곡선 그리기"],
  field: ["Field for the curve", "곡선을 그리는 칸"],
  hint: [
    "Lift the pen where the network is to go on. It learns only from your curve: draw three waves or more, and it knows what comes.",
    "신경망이 이어 그릴 곳에서 펜을 드세요. 신경망은 이 곡선에서만 배웁니다. 물결을 세 번 넘게 그리면 다음을 알아냅니다.",
  ],
  short: [
    "Draw farther: the curve has to reach over half of the field.",
    "조금 더 그려 주세요. 곡선이 칸의 절반쯤은 지나야 합니다.",
  ],
  waves: ["Or let it be drawn:", "대신 그려 두기:"],
  sine: ["a sine", "사인"],
  sum: ["two sines", "사인 두 개의 합"],
  saw: ["a saw", "톱니"],
  column: ["Column", "칸"],
  height: ["drawn", "그린 높이"],
  median: ["forecast", "예측값"],
  low: ["from", "하한"],
  high: ["to", "상한"],
});

/** Height of the field by its width. */
const SHAPE = 0.4;

const curve = signal<Curve>(waveOf("sine"));
const isDrawing = signal(false);

// Trained when the pen is lifted.
effect(() => {
  if (!isDrawing.value && isEnough(curve.value)) given.drawn.value = seriesOfCurve(curve.value);
});

function draw(pen: Pen): void {
  if (pen.isDown) curve.value = isDrawing.value ? drawnTo(curve.value, pen) : begun(pen);
  isDrawing.value = pen.isDown;
}

const place = (column: number, height: number) =>
  `${(((column + 0.5) / COLUMNS) * 100).toFixed(2)},${((1 - height) * 100 * SHAPE).toFixed(2)}`;

/** The field with the curve, and the network's continuation. */
export function Drawn({ rows }: { readonly rows: readonly ShownRow[] }) {
  const { first, heights } = curve.value;
  const found = rows.filter(({ median }) => median !== undefined);
  // What was said of another curve does not go on with this one.
  const said = !isDrawing.value && found[0]?.t === heights.length ? found : [];
  const line = (key: "median" | "low" | "high") => said.map((row) => place(first + row.t - 1, row[key]!));
  const table = () => ({
    head: [text("column"), text("height"), text("median"), text("low"), text("high")],
    rows: rows.map(({ t, value, median, low, high }) => [
      number(t),
      ...[value, median, low, high].map((found) => (found === undefined ? "–" : number(found, 3))),
    ]),
  });
  return (
    <Figure title={text("title")} hint={text("hint")} table={table}>
      <Pad name={text("field")} shape={SHAPE} onPen={draw}>
        <polygon class="forecast-band" points={[...line("low"), ...line("high").toReversed()].join(" ")} />
        <polyline class="forecast-drawn" points={heights.map((height, i) => place(first + i, height)).join(" ")} />
        <polyline class="forecast-median" points={line("median").join(" ")} />
      </Pad>
      {!isDrawing.value && !isEnough(curve.value) && <p role="status">{text("short")}</p>}
      <div class="row">
        <span class="hint">{text("waves")}</span>
        {waveNames.map((name: Wave) => (
          <button
            key={name}
            type="button"
            onClick={() => {
              curve.value = waveOf(name);
            }}
          >
            {text(name)}
          </button>
        ))}
      </div>
    </Figure>
  );
}
