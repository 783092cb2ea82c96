import { computed, useSignal } from "@preact/signals";
import type { Language } from "webgpu-rnn/tasks/data";
import { Bars } from "../../shell/bars.tsx";
import { show } from "../../shell/gallery.tsx";
import { language, percent, words } from "../../shell/language.ts";
import { Lesson } from "../../shell/lesson.tsx";
import { type Line, LineChart } from "../../shell/line-chart.tsx";
import { LiveTraining, useAnswer } from "../../shell/live-training.ts";
import { Sequence } from "../../shell/sequence.tsx";
import { settings } from "../../shell/settings.ts";
import "./page.css";
import program from "./program.ts?raw";
import type { Standing } from "./race.ts";
import type { questions } from "./worker.ts";

const text = words({
  race: ["The race", "경주"],
  problem: ["Problem", "문제"],
  pronoun: ["He or she?", "그는? 그녀는?"],
  pronounAbout: [
    "A person, then words about nobody, then a blank: he or she?",
    "사람이 한 번 나오고 상관없는 말이 이어진 뒤, 빈칸에 ‘그는’과 ‘그녀는’ 중 무엇이 올까요?",
  ],
  adding: ["Adding problem", "덧셈 문제"],
  addingAbout: [
    "As many numbers as the distance says, two of them marked: what is their sum? Within 0.1 counts as right.",
    "거리만큼 이어지는 수 가운데 표시된 두 수의 합은? 오차가 0.1보다 작으면 맞힌 것으로 칩니다.",
  ],
  copy: ["Copy memory", "복사 기억 문제"],
  copyAbout: [
    "Three letters, then blanks, then “?”: which letters were they?",
    "글자 세 개 다음에 빈칸이 이어지다가 ‘?’가 나옵니다. 처음 글자들은 무엇이었을까요?",
  ],
  distance: ["Longest distance", "가장 긴 거리"],
  steps: ["{count} steps", "{count}단계"],
  rightAt: ["Right answers at distance {distance}", "거리 {distance}에서 맞힌 비율"],
  guessing: ["Who guesses is right {share} of the time.", "찍어도 {share}는 맞힙니다."],
  tryIt: ["Ask all three", "셋에게 물어보기"],
  tryDistance: ["Distance", "거리"],
  longer: ["{distance}, longer than any in training", "{distance}, 학습 때보다 긴 거리"],
  another: ["Another row", "다른 예"],
  sequence: ["What the networks read", "신경망이 읽는 순서열"],
  toRemember: ["{unit}: to remember", "{unit}: 기억할 것"],
  right: ["Right answer", "정답"],
  says: ["{cell} says", "{cell}의 답"],
  isRight: ["right", "맞음"],
  isWrong: ["wrong", "틀림"],
  waiting: ["The first answers come after the first step.", "첫 단계가 끝나면 답이 나타납니다."],
  byDistance: ["Right answers by distance", "거리에 따라 맞힌 비율"],
  byDistanceHint: [
    "On rows that no network has trained on. The last distance is longer than all that they trained on.",
    "학습에 쓰지 않은 예에서 잰 값입니다. 마지막 거리는 학습 때의 어떤 거리보다 깁니다.",
  ],
  byStep: ["Right answers at the longest distance, by step", "가장 긴 거리에서 맞힌 비율, 학습 단계별"],
  loss: ["Loss (running mean)", "손실(이동 평균)"],
  chance: ["guessing", "찍기"],
});

const names = { rnn: "RNN", gru: "GRU", lstm: "LSTM" } as const;
const colors = { rnn: "warm", gru: "good", lstm: "accent" } as const;
/** So that lines on top of each other are all seen. */
const widths = { rnn: 4.5, gru: 3, lstm: 1.5 } as const;
const cells = ["rnn", "gru", "lstm"] as const;
const problems = ["pronoun", "adding", "copy"] as const;
const distances = [10, 20, 40] as const;

const explanation = [
  "Three networks with 24 units learn the same task from the same rows, one step each in turn. What they need stands at the beginning, the question at the end. A plain RNN rewrites its whole hidden state at every step, and the gradient that should connect the two vanishes on its way back. LSTM and GRU have gates, which can keep a value unchanged over many steps.\nChoose a shorter distance: at which one does the RNN succeed, too? And do LSTM and GRU still answer well at a distance that they have never seen? All rows are made up.",
  "유닛이 24개인 세 신경망이 같은 예로 같은 문제를 번갈아 한 단계씩 배웁니다. 필요한 정보는 맨 앞에, 질문은 맨 뒤에 있습니다. 기본 RNN은 단계마다 은닉 상태를 통째로 새로 쓰므로, 앞뒤를 이어 줄 기울기가 거슬러 가는 동안 사라집니다(경사 소실). LSTM과 GRU는 게이트가 있어 값을 여러 단계 동안 그대로 지킬 수 있습니다.\n거리를 줄여 보세요. 어디서부터 RNN도 해낼까요? LSTM과 GRU는 학습 때 본 적 없는 긴 거리에서도 맞힐까요? 데이터는 모두 지어낸 것입니다.",
] as const;

const { problem, distance, seed } = settings(
  { problem: "pronoun" as (typeof problems)[number], distance: 40 as number, seed: 1 },
  { problem: problems, distance: distances, seed: { min: 0, max: 9999 } },
);
const training = new LiveTraining<
  { problem: (typeof problems)[number]; distance: number; language: Language; seed: number },
  Standing,
  typeof questions
>("memory", () => ({
  problem: problem.value,
  distance: distance.value,
  // Only sentences differ by language.
  language: problem.value === "pronoun" ? language.value : "en",
  seed: seed.value,
}));

const standing = computed(() => training.view.value ?? []);

/** What is raced on, and who is ahead at the longest distance that was trained on. */
function RaceNow() {
  const asked = standing.value.find((one) => one.distance === distance.value);
  return (
    <section class="card stack">
      <h2>{text("race")}</h2>
      <label class="field">
        <span>{text("problem")}</span>
        <select
          id="problem"
          value={problem.value}
          onChange={({ currentTarget }) => {
            problem.value = problems.find((known) => known === currentTarget.value)!;
          }}
        >
          {problems.map((known) => (
            <option key={known} value={known}>
              {text(known)}
            </option>
          ))}
        </select>
      </label>
      <p class="hint">{text(`${problem.value}About`)}</p>
      <label class="field">
        <span>{text("distance")}</span>
        <select
          id="distance"
          value={String(distance.value)}
          onChange={({ currentTarget }) => {
            distance.value = Number(currentTarget.value);
          }}
        >
          {distances.map((known) => (
            <option key={known} value={String(known)}>
              {text("steps", { count: known })}
            </option>
          ))}
        </select>
      </label>
      <h3>{text("rightAt", { distance: distance.value })}</h3>
      <Bars bars={cells.map((cell) => ({ label: names[cell], value: asked?.[cell] ?? 0 }))} />
      <p class="hint">{asked ? text("guessing", { share: percent(asked.chance) }) : text("waiting")}</p>
    </section>
  );
}

/** A row that none of them has seen, and their answers. */
function TryIt() {
  const example = useSignal(3);
  const place = useSignal(3);
  const all = standing.value.map((one) => one.distance);
  const chosen = all[place.value] ?? distance.value;
  const answer = useAnswer(training, "example", { distance: chosen, example: example.value })?.answer;
  return (
    <section class="card stack">
      <h2>{text("tryIt")}</h2>
      <div class="row">
        <label class="inline">
          <span>{text("tryDistance")}</span>
          <select
            id="tryDistance"
            value={String(place.value)}
            onChange={({ currentTarget }) => {
              place.value = Number(currentTarget.value);
            }}
          >
            {(all.length > 0 ? all : [distance.value]).map((known, i) => (
              <option key={known} value={String(all.length > 0 ? i : 3)}>
                {known > distance.value ? text("longer", { distance: known }) : text("steps", { count: known })}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          id="another"
          onClick={() => {
            example.value++;
          }}
        >
          {text("another")}
        </button>
      </div>
      {answer ? (
        <>
          <div class="memory-row">
            <Sequence
              label={text("sequence")}
              steps={answer.steps.map(({ unit, isMarked }) => ({
                unit,
                ...(isMarked && { tint: 1, note: text("toRemember", { unit }) }),
              }))}
            />
          </div>
          <dl class="memory-answers">
            <div>
              <dt>{text("right")}</dt>
              <dd id="rightAnswer">{answer.target.join(" ")}</dd>
            </div>
            {answer.answers.map(({ cell, said }) => (
              <div key={cell} data-cell={cell}>
                <dt>{text("says", { cell: names[cell] })}</dt>
                <dd>
                  {said.map(({ shown, isRight }, i) => (
                    <span key={i} class={isRight ? "right" : "wrong"}>
                      {shown}
                      <span aria-hidden="true">{isRight ? " ✓" : " ✗"}</span>
                      <span class="sr"> ({text(isRight ? "isRight" : "isWrong")})</span>
                    </span>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </>
      ) : (
        <p class="empty">{text("waiting")}</p>
      )}
    </section>
  );
}

function Page() {
  const lines = (prefix: string): Line[] =>
    cells.map((cell) => ({ key: `${prefix}${cell}`, label: names[cell], color: colors[cell], width: widths[cell] }));
  const guessing = { key: "chance", label: text("chance"), color: "soft", dash: [4, 4] };
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <div class="memory-top">
        <RaceNow />
        <TryIt />
      </div>
      <section class="card charts">
        <LineChart
          title={text("byDistance")}
          hint={text("byDistanceHint")}
          points={standing}
          x="distance"
          xLabel={text("tryDistance")}
          lines={[...lines("").map((line) => ({ ...line, dots: true })), guessing]}
          low={0}
          high={1.02}
        />
        <LineChart
          title={text("byStep")}
          points={training.points}
          lines={lines("right ").map((line) => ({ ...line, dots: true }))}
          low={0}
          high={1.02}
        />
        <LineChart title={text("loss")} points={training.points} lines={lines("loss ")} />
      </section>
    </Lesson>
  );
}

show("memory", Page);
