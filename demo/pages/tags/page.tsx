import { useSignal } from "@preact/signals";
import type { Language } from "webgpu-rnn/tasks/data";
import { show } from "../../shell/gallery.tsx";
import { language, percent, words } from "../../shell/language.ts";
import { AccuracyChart, LossChart } from "../../shell/learning-charts.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { LiveTraining, useAnswer } from "../../shell/live-training.ts";
import { tinted } from "../../shell/sequence.tsx";
import { settings } from "../../shell/settings.ts";
import program from "./program.ts?raw";
import type { questions } from "./worker.ts";
import "./page.css";

const text = words({
  sentence: ["A sentence", "문장"],
  example: ["Anna will book a room.", "하늘을 나는 새가 예쁘다."],
  examples: ["To try", "해 볼 문장"],
  title: ["Part of speech of each word", "단어마다 품사의 확률"],
  likeliest: ["likeliest", "가장 높은 품사"],
  hint: [
    "Each column is a word and adds up to 100%. Shares below 1% are left out.",
    "열 하나가 어절 하나이며 합은 100%입니다. 어절의 품사는 어간이나 앞말을 따릅니다. 1% 미만은 비워 두었습니다.",
  ],
  waiting: ["The first answer comes after the first step.", "첫 단계가 끝나면 답이 나타납니다."],
  unknown: ["Type words that the network can read.", "신경망이 읽을 수 있는 단어를 입력하세요."],
  accuracy: ["Accuracy on sentences kept apart", "떼어 둔 문장의 정확도"],
});

/** In the order of the rows. */
const tagNames = words({
  PRON: ["pronoun", "대명사"],
  PROPN: ["name", "고유 명사"],
  NOUN: ["noun", "명사"],
  NUM: ["numeral", "수사"],
  DET: ["determiner", "관형사"],
  ADJ: ["adjective", "형용사"],
  VERB: ["verb", "동사"],
  AUX: ["auxiliary", "조동사"],
  PART: ["particle", "불변화사"],
  ADV: ["adverb", "부사"],
  ADP: ["preposition", "전치사"],
  CCONJ: ["conjunction", "등위 접속사"],
  SCONJ: ["subordinator", "종속 접속사"],
  INTJ: ["interjection", "감탄사"],
  PUNCT: ["punctuation", "문장 부호"],
});
const tags = [
  ...["PRON", "PROPN", "NOUN", "NUM", "DET", "ADJ", "VERB", "AUX", "PART"],
  ...["ADV", "ADP", "CCONJ", "SCONJ", "INTJ", "PUNCT"],
] as Parameters<typeof tagNames>[0][];

/** Words that are one thing here and another there, and one that the grammar does not have. */
const examples: Readonly<Record<Language, readonly string[]>> = {
  en: [
    "Anna will book a room.",
    "Anna saw the book.",
    "She says that that cook can water the plant.",
    "The zorp was clean.",
  ],
  ko: ["하늘을 나는 새가 예쁘다.", "나는 새 차를 샀다.", "그녀는 쓴 약을 보았다.", "편지를 쓴 학생은 정말 좋다."],
};

const explanation = [
  "Many to many, in step: each word gets a tag. One LSTM reads the sentence forwards, another backwards. At each word, the hidden states of both give the probabilities of the parts of speech. So the words on either side decide whether “book” is a verb or a noun.\nType slowly: the tag of a word can change when the next one comes. A word that the network has never seen is judged by its neighbours and by its first and last letters. The sentences are made up, with a grammar of a few dozen words. Half of those it learns from break off, as yours does while you type.",
  "다대다: 단어마다 품사를 하나씩 붙입니다. LSTM 하나는 문장을 앞에서부터, 다른 하나는 뒤에서부터 읽습니다. 각 단어에서 두 LSTM의 은닉 상태를 함께 써서 품사의 확률을 냅니다. 그래서 ‘나는’이 대명사인지 동사인지는 앞뒤 단어가 정합니다.\n천천히 입력해 보세요. 다음 단어가 오면 앞 단어의 품사가 바뀌기도 합니다. 처음 보는 단어는 앞뒤 단어와 그 단어의 첫 글자, 끝 글자로 짐작합니다. 문장은 몇십 개 단어의 문법으로 지어낸 것입니다. 학습 문장의 절반은 입력 중인 문장처럼 중간에서 끊었습니다.",
] as const;

const { seed } = settings({ seed: 1 }, { seed: { min: 0, max: 9999 } });
const training = new LiveTraining<{ language: Language; seed: number }, never, typeof questions>("tags", () => ({
  language: language.value,
  seed: seed.value,
}));

/** What the reader typed; until then an example, in the language of the page. */
function Sentence() {
  const own = useSignal<string | undefined>(undefined);
  const sentence = own.value ?? text("example");
  const answered = useAnswer(training, "tag", sentence);
  return (
    <section class="card stack">
      <label class="field">
        <span>{text("sentence")}</span>
        <input
          id="sentence"
          type="text"
          autocomplete="off"
          value={sentence}
          onInput={({ currentTarget }) => {
            own.value = currentTarget.value;
          }}
        />
      </label>
      <fieldset class="row tags-examples" aria-label={text("examples")}>
        {examples[language.value].map((example) => (
          <button
            key={example}
            type="button"
            class="quiet"
            onClick={() => {
              own.value = example;
            }}
          >
            {example}
          </button>
        ))}
      </fieldset>
      <h2 id="tagsTitle">{text("title")}</h2>
      {answered?.answer ? (
        <Probabilities steps={answered.answer} />
      ) : (
        <p class="empty">{text(answered?.refused ? "unknown" : "waiting")}</p>
      )}
      <p class="hint">{text("hint")}</p>
    </section>
  );
}

type Steps = Awaited<ReturnType<(typeof questions)["tag"]>>;

function Probabilities({ steps }: { readonly steps: Steps }) {
  const known = tags.filter((tag) => steps[0]!.probabilities[tag] !== undefined);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys
    <section class="tags-scroll" tabIndex={0} aria-labelledby="tagsTitle">
      <table class="tags">
        <thead>
          <tr>
            <td />
            {steps.map(({ word }, t) => (
              <th key={t} scope="col">
                {word}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr class="tags-likeliest">
            <th scope="row">{text("likeliest")}</th>
            {steps.map(({ label }, t) => (
              <td key={t}>{tagNames(label as "NOUN")}</td>
            ))}
          </tr>
          {known.map((tag) => (
            <tr key={tag}>
              <th scope="row">{tagNames(tag)}</th>
              {steps.map(({ label, probabilities: { [tag]: share = 0 } }, t) => (
                <td key={t} class={label === tag ? "best" : undefined} style={{ background: tinted(share) }}>
                  {share >= 0.01 && percent(share)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <Sentence key={language.value} />
      <section class="card charts">
        <LossChart training={training} />
        <AccuracyChart training={training} title={text("accuracy")} />
      </section>
    </Lesson>
  );
}

show("tags", Page);
