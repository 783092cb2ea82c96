import { useSignal } from "@preact/signals";
import { Bars } from "../../shell/bars.tsx";
import { show } from "../../shell/gallery.tsx";
import { type Language, language, percent, words } from "../../shell/language.ts";
import { AccuracyChart, LossChart } from "../../shell/learning-charts.tsx";
import { Lesson } from "../../shell/lesson.tsx";
import { useAnswer } from "../../shell/live-training.ts";
import { Sequence } from "../../shell/sequence.tsx";
import { Meanings } from "./meanings.tsx";
import program from "./program.ts?raw";
import { seed, training } from "./training.ts";
import type { questions } from "./worker.ts";
import "./page.css";

const text = words({
  review: ["A review", "리뷰"],
  example: ["The food was not good, but the service was lovely.", "음식은 좋지 않았지만 서비스는 정말 훌륭했어요."],
  negative: ["negative", "부정"],
  neutral: ["neutral", "중립"],
  positive: ["positive", "긍정"],
  probabilities: ["What the network says", "신경망의 판단"],
  moved: ["Which words moved it", "판단을 움직인 단어"],
  movedHint: [
    "Orange words speak for “{label}”, blue ones against it: the gradient of its score by each word, times the word’s vector.",
    "주황색 단어는 ‘{label}’ 쪽으로, 파란색 단어는 반대쪽으로 판단을 움직였습니다. 점수를 단어 벡터로 미분한 기울기에 그 벡터를 곱한 값입니다.",
  ],
  strength: ["{unit}: {share}", "{unit}: {share}"],
  waiting: ["The first answer comes after the first step.", "첫 단계가 끝나면 답이 나타납니다."],
  unknown: ["The network knows none of these words.", "신경망이 아는 단어가 없습니다."],
  accuracy: ["Accuracy on reviews kept apart", "떼어 둔 리뷰의 정확도"],
});

const explanation = [
  "The network reads a review one word at a time, forwards and backwards. At each word, its hidden state takes in the word and what it remembers of the others. The largest value of each unit over all words goes into one vector, and from it come three probabilities: many inputs, one output.\nWords are vectors that are learned as well. Watch “not” and “but”: they mean little alone, yet they turn a sentence round, and so the network has to remember them until the word that they belong to. The reviews are made up, with a grammar of a few dozen words.",
  "신경망은 리뷰를 앞뒤 두 방향에서 한 단어씩 읽습니다. 단어마다 은닉 상태는 그 단어와 지금까지 기억한 것을 함께 담습니다. 유닛마다 모든 단어에서 가장 큰 값을 모은 벡터 하나에서 세 클래스의 확률이 나옵니다. 입력은 여럿, 출력은 하나입니다.\n단어도 학습되는 벡터입니다. ‘않다’와 ‘-지만’을 눈여겨보세요. 혼자서는 뜻이 거의 없지만 다른 말의 뜻을 뒤집으므로, 신경망은 먼저 읽은 말을 기억하고 있어야 합니다. 리뷰는 몇십 개 단어의 문법으로 지어낸 것입니다.",
] as const;

/** What the reader wrote; until then the example, in the language of the page. */
function Review() {
  // In another language there is another network, which cannot read it.
  const own = useSignal<{ readonly language: Language; readonly text: string } | undefined>(undefined);
  const review = own.value?.language === language.value ? own.value.text : text("example");
  const answered = useAnswer(training, "read", review);
  const answer = answered?.answer;
  const classes = ["negative", "neutral", "positive"] as const;
  return (
    <section class="card stack">
      <label class="field">
        <span>{text("review")}</span>
        <textarea
          id="review"
          rows={2}
          value={review}
          onInput={({ currentTarget }) => {
            own.value = { language: language.value, text: currentTarget.value };
          }}
        />
      </label>
      <h2>{text("probabilities")}</h2>
      {answer ? (
        <Bars
          bars={classes.map((name) => ({
            label: text(name),
            value: answer.probabilities[name] ?? 0,
            isBest: name === answer.label,
          }))}
        />
      ) : (
        <p class="empty">{text(answered?.refused ? "unknown" : "waiting")}</p>
      )}
      {answer && <Moved {...answer} />}
    </section>
  );
}

type Answer = NonNullable<Awaited<ReturnType<(typeof questions)["read"]>>>;

function Moved({ label, steps }: Answer) {
  const most = Math.max(1e-9, ...steps.map(({ influence }) => Math.abs(influence)));
  return (
    <>
      <h2>{text("moved")}</h2>
      <Sequence
        label={text("moved")}
        steps={steps.map(({ unit = "", influence }) => ({
          unit,
          tint: influence / most,
          note: text("strength", { unit, share: percent(influence / most) }),
        }))}
      />
      <p class="hint">{text("movedHint", { label: text(label as "negative") })}</p>
    </>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <Review />
      <Meanings />
      <section class="card charts">
        <LossChart training={training} />
        <AccuracyChart training={training} title={text("accuracy")} />
      </section>
    </Lesson>
  );
}

show("feeling", Page);
