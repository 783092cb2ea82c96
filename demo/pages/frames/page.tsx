import { Bars } from "../../shell/bars.tsx";
import { Choice } from "../../shell/choice.tsx";
import { show } from "../../shell/gallery.tsx";
import { HeatMap } from "../../shell/heat-map.tsx";
import { number, percent, words } from "../../shell/language.ts";
import { AccuracyChart, LossChart } from "../../shell/learning-charts.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { LiveTraining } from "../../shell/live-training.ts";
import { Pad } from "../../shell/pad.tsx";
import { settings } from "../../shell/settings.ts";
import type { Settings } from "./program.ts";
import program from "./program.ts?raw";
import { type Kind, SIZE } from "./sources.ts";
import { type Seen, Watching } from "./watching.ts";
import type { questions } from "./worker.ts";
import "./page.css";

const text = words({
  kind: ["What the network watches", "신경망이 보는 것"],
  shapes: ["a moving shape", "움직이는 도형"],
  gestures: ["a hand’s gesture", "손짓"],
  scene: ["Now", "지금"],
  fieldShapes: ["Lead the shape: it follows the pointer", "도형 이끌기: 포인터를 따라갑니다"],
  fieldGestures: ["Draw circles and lines, or shake", "원이나 직선을 그리거나 흔들어 보세요"],
  shapesHint: [
    "Move over the field: the shape follows you, one pixel in each frame. Stop for three seconds, and it goes its own way again.",
    "칸 위에서 움직이면 도형이 한 프레임에 한 픽셀씩 따라옵니다. 3초 동안 멈추면 다시 제멋대로 움직입니다.",
  ],
  gesturesHint: [
    "Move over the field in circles, in lines, or to and fro. Stop for three seconds, and a made-up hand goes on.",
    "칸 위에서 원이나 직선을 그리거나 좌우로 흔들어 보세요. 3초 동안 멈추면 지어낸 손이 다시 움직입니다.",
  ],
  larger: ["Larger", "크게"],
  smaller: ["Smaller", "작게"],
  play: ["Let it move", "움직이기"],
  stop: ["Stop", "멈추기"],
  yours: ["yours", "직접 움직임"],
  madeUp: ["made up", "지어낸 움직임"],
  source: ["Frames", "프레임"],
  time: ["Time for a frame", "프레임당 시간"],
  milliseconds: ["{time} ms", "{time} ms"],
  share: ["Frames told right", "맞힌 프레임"],
  waiting: ["The first frame is told after the first step.", "첫 단계가 끝나면 첫 프레임을 맞힙니다."],
  standing: ["Press “Let it move”, or move over the field.", "‘움직이기’를 누르거나 칸 위에서 움직여 보세요."],
  probabilities: ["Probabilities, frame by frame", "프레임별 확률"],
  probabilitiesHint: [
    "The last frames, the newest at the right. The signs below say what really happened.",
    "최근 프레임입니다. 오른쪽 끝이 가장 새것이고, 아래 기호는 실제로 일어난 일입니다.",
  ],
  readout: ["Frame {frame}: {label} {share}. In truth: {truth}.", "프레임 {frame}: {label} {share}. 실제: {truth}."],
  unknown: ["not known", "알 수 없음"],
  still: ["still", "정지"],
  left: ["left", "왼쪽"],
  right: ["right", "오른쪽"],
  up: ["up", "위"],
  down: ["down", "아래"],
  growing: ["growing", "커짐"],
  shrinking: ["shrinking", "작아짐"],
  rest: ["rest", "멈춤"],
  line: ["line", "직선"],
  clockwise: ["clockwise", "시계 방향"],
  anticlockwise: ["anticlockwise", "반시계 방향"],
  shake: ["shake", "흔들기"],
  accuracy: ["Accuracy on frames kept apart", "떼어 둔 프레임의 정확도"],
});

const explanation = [
  "Many to many: one class for each frame. A single frame does not say where a shape is going, so the network has to remember the frame before: it keeps that in its hidden state.\nIt reads in one direction only, and so it can answer at once: the page shows it one frame, gets the probabilities, and only the hidden state is kept for the next frame. However long the stream is, a frame costs the same. At the start of a circle the network takes it for a line, as you would; a few frames later it knows better. All training data is made up.",
  "다대다: 프레임마다 클래스를 하나씩 맞힙니다. 프레임 하나만 보아서는 도형이 어디로 가는지 알 수 없습니다. 그래서 신경망은 앞 프레임을 은닉 상태에 기억해 둡니다.\n이 신경망은 한 방향으로만 읽으므로 바로 답할 수 있습니다. 프레임 하나를 보여 주면 확률이 나오고, 다음 프레임을 위해 은닉 상태만 남습니다. 아무리 오래 이어져도 프레임 하나에 드는 계산은 같습니다. 원을 그리기 시작할 때는 사람처럼 직선으로 여기다가, 몇 프레임 뒤에 생각을 바꿉니다. 학습 데이터는 모두 지어낸 것입니다.",
] as const;

const kinds: readonly Kind[] = ["shapes", "gestures"];
const labels: Readonly<Record<Kind, readonly Parameters<typeof text>[0][]>> = {
  shapes: ["left", "right", "up", "down", "growing", "shrinking", "still"],
  gestures: ["rest", "line", "clockwise", "anticlockwise", "shake"],
};
const signs: Readonly<Record<string, string>> = {
  ...{ still: "·", left: "←", right: "→", up: "↑", down: "↓", growing: "+", shrinking: "−" },
  ...{ rest: "·", line: "—", clockwise: "↻", anticlockwise: "↺", shake: "≈" },
};
/** Columns of the map. */
const SHOWN = 24;

const { kind, seed } = settings({ kind: "shapes" as Kind, seed: 1 }, { kind: kinds, seed: { min: 0, max: 9999 } });
const training = new LiveTraining<Settings, never, typeof questions>("frames", () => ({
  kind: kind.value,
  seed: seed.value,
}));
const watching = new Watching(training, { kind, seed });

/** What is seen now: pixels, or the way of a hand. */
function Picture({ seen }: { readonly seen: readonly Seen[] }) {
  const last = seen.at(-1);
  if (!last) return null;
  if (!last.hand) {
    const side = 100 / SIZE;
    return last.values.map((grey, i) => (
      <rect
        key={i}
        class="frames-pixel"
        x={(i % SIZE) * side}
        y={Math.floor(i / SIZE) * side}
        width={side}
        height={side}
        fill-opacity={grey}
      />
    ));
  }
  const way = seen.slice(-20);
  const lines = way.slice(1).map(({ hand: [x, y] = [0, 0] }, i) => {
    const [a, b] = way[i]!.hand!;
    // A made-up hand that leaves the field comes in on the other side.
    const isWrapped = Math.hypot(x - a, y - b) > 0.5;
    const share = (i + 2) / way.length;
    return isWrapped ? null : (
      <line key={i} class="frames-way" x1={a * 100} y1={b * 100} x2={x * 100} y2={y * 100} stroke-opacity={share} />
    );
  });
  const [x, y] = last.hand;
  return [...lines, <circle key="hand" class="frames-hand" cx={x * 100} cy={y * 100} r={2.4} />];
}

function Scene() {
  const seen = watching.seen.value;
  const now = seen.at(-1);
  const isShapes = kind.value === "shapes";
  return (
    <section class="card stack">
      <Choice legend={text("kind")} name="kind" values={kinds} chosen={kind} labelOf={(value) => text(value)} />
      <div class="frames-scene">
        <div class="stack">
          <Pad name={text(isShapes ? "fieldShapes" : "fieldGestures")} onPen={(pen) => watching.move(pen)}>
            <Picture seen={seen} />
          </Pad>
          <div class="row">
            <button
              type="button"
              onClick={() => {
                watching.isPlaying.value = !watching.isPlaying.value;
              }}
            >
              {text(watching.isPlaying.value ? "stop" : "play")}
            </button>
            {isShapes && (
              <>
                <button type="button" onClick={() => watching.grow(1)}>
                  {text("larger")}
                </button>
                <button type="button" onClick={() => watching.grow(-1)}>
                  {text("smaller")}
                </button>
              </>
            )}
          </div>
        </div>
        <div class="stack">
          <h2>{text("scene")}</h2>
          {now ? (
            <Bars
              bars={labels[kind.value].map((label) => ({
                label: `${signs[label]} ${text(label)}`,
                value: now.probabilities[label] ?? 0,
                isBest: label === now.label,
              }))}
            />
          ) : (
            <p class="empty">{text(watching.isPlaying.value ? "waiting" : "standing")}</p>
          )}
          <Numbers seen={seen} />
        </div>
      </div>
      <p class="hint">{text(isShapes ? "shapesHint" : "gesturesHint")}</p>
    </section>
  );
}

function Numbers({ seen }: { readonly seen: readonly Seen[] }) {
  const known = seen.filter(({ truth }) => truth !== undefined);
  const right = known.filter(({ truth, label }) => truth === label).length;
  const time = seen.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / seen.length;
  return (
    <dl class="tiles">
      <div>
        <dt>{text("time")}</dt>
        <dd id="frameTime">{seen.length > 0 ? text("milliseconds", { time: number(time, 2) }) : "–"}</dd>
      </div>
      <div>
        <dt>{text("share")}</dt>
        <dd id="framesRight">{known.length > 0 ? percent(right / known.length) : "–"}</dd>
      </div>
      <div>
        <dt>{text("source")}</dt>
        <dd class="frames-source">{text(watching.isReaders.value ? "yours" : "madeUp")}</dd>
      </div>
    </dl>
  );
}

function Probabilities() {
  const seen = watching.seen.value.slice(-SHOWN);
  const names = labels[kind.value];
  // As many columns as there will be, so that nothing grows under the reader's eyes.
  const columns = Array.from({ length: SHOWN }, (_, c) => seen[c - SHOWN + seen.length]);
  const wordOf = (label: string | undefined) => text((label ?? "unknown") as "unknown");
  return (
    <section class="card">
      <HeatMap
        title={text("probabilities")}
        hint={text("probabilitiesHint")}
        scale="sequential"
        rows={names.map((label) => text(label))}
        columns={columns.map((frame) => signs[frame?.truth ?? ""] ?? "")}
        values={names.map((label) => columns.map((frame) => frame?.probabilities[label] ?? 0))}
        readout={({ row, column }, value) =>
          text("readout", {
            frame: String(column - SHOWN + 1),
            label: text(names[row]!),
            share: percent(value),
            truth: wordOf(columns[column]?.truth),
          })
        }
      />
    </section>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <Scene />
      <Probabilities />
      <section class="card charts">
        <LossChart training={training} />
        <AccuracyChart training={training} title={text("accuracy")} />
      </section>
    </Lesson>
  );
}

show("frames", Page);
