import { signal, useSignal } from "@preact/signals";
import { show } from "../../shell/gallery.tsx";
import { type Language, language, percent, words } from "../../shell/language.ts";
import { AccuracyChart, LossChart } from "../../shell/learning-charts.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { LiveTraining, useAnswer } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import type { Lesson as LessonName } from "./program.ts";
import program from "./program.ts?raw";
import type { questions } from "./worker.ts";
import "./page.css";

const text = words({
  lesson: ["What it translates", "무엇을 번역하나"],
  sentences: ["Sentences, English → Korean", "문장, 한국어 → 영어"],
  dates: ["Dates, words → digits", "날짜, 글 → 숫자"],
  digitsToDates: ["Dates, digits → words", "날짜, 숫자 → 글"],
  numbers: ["Numbers, words → digits", "수, 글 → 숫자"],
  digitsToNumbers: ["Numbers, digits → words", "수, 숫자 → 글"],
  source: ["To translate", "번역할 글"],
  another: ["Another one", "다른 글"],
  translation: ["Translation", "번역"],
  probability: [
    "The network gives this whole text a probability of {share}.",
    "신경망이 이 글 전체에 매긴 확률은 {share}입니다.",
  ],
  waiting: ["The first translation comes after the first step.", "첫 단계가 끝나면 번역이 나타납니다."],
  unknown: ["The network knows nothing of this text.", "신경망이 아는 것이 없는 글입니다."],
  beam: ["Beam width", "빔 너비"],
  accuracy: ["Accuracy on texts kept apart", "떼어 둔 글의 정확도"],
  right: ["right units, after the right ones before", "앞이 맞을 때 다음 단위를 맞힌 비율"],
});

const lessons = ["sentences", "dates", "digitsToDates", "numbers", "digitsToNumbers"] as const;
const examples: Readonly<Record<Language, Readonly<Record<LessonName, string>>>> = {
  en: {
    sentences: "She did not eat three apples at home yesterday.",
    dates: "the 3rd of May 2021",
    digitsToDates: "2021-05-03",
    numbers: "forty-two thousand three hundred seven",
    digitsToNumbers: "42307",
  },
  ko: {
    sentences: "어제 그녀는 집에서 사과 세 개를 먹지 않았다.",
    dates: "이천이십일년 오월 삼일",
    digitsToDates: "2021-05-03",
    numbers: "사만 이천삼백칠",
    digitsToNumbers: "42307",
  },
};

const explanation = [
  "Many to many, unaligned: an encoder reads the source in both directions; a decoder writes the target unit by unit. At each step attention compares the decoder’s hidden state with every state of the encoder. The weights say how much of each goes into the next unit. In sentences the lines cross: Korean has its verb at the end.\nThe likeliest next unit is not always part of the likeliest text. So beam search keeps several hypotheses at each step and drops those with the lower scores. Dates in words can be written in several ways, and the beam keeps some of them. All texts are made up.",
  "다대다: 인코더가 원문을 양방향으로 읽고, 디코더가 번역문을 한 단위씩 씁니다. 단계마다 어텐션은 디코더의 은닉 상태를 인코더의 모든 은닉 상태와 견주어, 각각을 얼마나 볼지 가중치로 정합니다. 문장을 번역할 때 선이 엇갈리는 것은 한국어와 영어의 어순이 다르기 때문입니다.\n단계마다 확률이 가장 높은 단위만 고른다고 해서 글 전체의 확률이 가장 높아지는 것은 아닙니다. 그래서 빔 탐색은 단계마다 후보를 여럿 남기고 점수가 낮은 것을 버립니다. 날짜는 쓰는 방법이 여러 가지라 빔에 여러 표현이 함께 남습니다. 글은 모두 지어낸 것입니다.",
] as const;

const { lesson, beam, seed } = settings(
  { lesson: "sentences" as LessonName, beam: 3, seed: 1 },
  { lesson: lessons, beam: { min: 1, max: 5 }, seed: { min: 0, max: 9999 } },
);
const chosen = () => ({ lesson: lesson.value, language: language.value, seed: seed.value });
const training = new LiveTraining<ReturnType<typeof chosen>, never, typeof questions>("translate", chosen);

/** What is drawn of an answer: it is loaded while the training begins. */
const pictures = signal<typeof import("./pictures.ts") | undefined>(undefined);
import("./pictures.ts").then((loaded) => {
  pictures.value = loaded;
});

function LessonChoice() {
  return (
    <label class="field">
      <span>{text("lesson")}</span>
      <select
        id="lesson"
        value={lesson.value}
        onChange={({ currentTarget }) => {
          lesson.value = lessons.find((known) => known === currentTarget.value)!;
        }}
      >
        {lessons.map((known) => (
          <option key={known} value={known}>
            {text(known)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What is translated, and what comes out. */
function Translation() {
  const own = useSignal<string | undefined>(undefined);
  const tried = useSignal(0);
  const { Attention, BeamTree } = pictures.value ?? {};
  const { lesson: name, language: spoken } = chosen();
  const source = own.value ?? examples[spoken][name];
  const answered = useAnswer(training, "search", { text: source, beam: beam.value });
  const answer = answered?.answer;
  const other = spoken === "en" ? "ko" : "en";
  const lang = { source: spoken, target: name === "sentences" ? other : spoken };
  const another = async () => {
    tried.value++;
    const found = await training.ask("example", { ...chosen(), seed: 10_000 + tried.value });
    if (found !== undefined) own.value = found;
  };
  return (
    <>
      <section class="card stack">
        <div class="translate-choices">
          <LessonChoice />
          <label class="field">
            <span>{text("source")}</span>
            <textarea
              id="source"
              rows={1}
              lang={lang.source}
              value={source}
              onInput={({ currentTarget }) => {
                own.value = currentTarget.value.replaceAll("\n", " ");
              }}
            />
          </label>
          <button type="button" id="another" onClick={another}>
            {text("another")}
          </button>
        </div>
        <h2>{text("translation")}</h2>
        {answer ? (
          <>
            <p class="translate-said" lang={lang.target}>
              {answer.text || "–"}
            </p>
            <p class="hint">{text("probability", { share: percent(Math.exp(answer.logProbability), 1) })}</p>
          </>
        ) : (
          <p class="empty">{text(answered?.refused ? "unknown" : "waiting")}</p>
        )}
        {Attention && answer?.attention && answer.attention.length > 0 && (
          <Attention source={answer.sourceUnits} target={answer.targetUnits} weights={answer.attention} lang={lang} />
        )}
      </section>
      <section class="card stack">
        <label class="inline">
          <span>{text("beam")}</span>
          <input
            id="beam"
            type="number"
            min="1"
            max="5"
            value={beam.value}
            onChange={({ currentTarget }) => {
              beam.value = Math.max(1, Math.min(5, Math.round(Number(currentTarget.value) || 1)));
              currentTarget.value = String(beam.value);
            }}
          />
        </label>
        {BeamTree && answer && <BeamTree steps={answer.steps} join={name === "sentences" ? " " : ""} />}
      </section>
    </>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      {/* Another lesson begins with its own example. */}
      <Translation key={`${lesson.value} ${language.value}`} />
      <section class="card charts">
        <LossChart training={training} />
        <AccuracyChart training={training} title={text("accuracy")} label={text("right")} />
      </section>
    </Lesson>
  );
}

show("translate", Page);
