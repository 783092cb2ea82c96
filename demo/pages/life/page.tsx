import { motifSequences } from "webgpu-rnn/tasks/data";
import { Bars } from "../../shell/bars.tsx";
import { Figure } from "../../shell/figure.tsx";
import { show } from "../../shell/gallery.tsx";
import { number, percent, words } from "../../shell/language.ts";
import { Lesson } from "../../shell/lesson.tsx";
import { LineChart } from "../../shell/line-chart.tsx";
import { LiveTraining, useAnswer } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import { type Answer, frameName, Letters, MOTIF } from "./letters.tsx";
import program from "./program.ts?raw";
import { framesByRule, motifByRule } from "./rule.ts";
import { example, lettersOf, MOST, madeUpString, withMotif, withShift } from "./strings.ts";
import type { questions } from "./worker.ts";
import "./page.css";

const text = words({
  string: ["A string of A, C, G and T, up to {most} letters", "A, C, G, T로 된 서열, 최대 {most}글자"],
  try: ["To try", "해 볼 것"],
  fresh: ["Another string", "다른 서열"],
  plant: ["Plant {motif}", "{motif} 심기"],
  shift: ["Insert a letter in the frame", "틀 안에 한 글자 끼우기"],
  letters: ["Letter by letter", "글자마다"],
  lettersHint: [
    "Click a letter to change it. Orange: changing this letter would make the motif less likely; blue: more likely. The bar above marks the ten letters that matter most. Below: the place in a codon (1, 2, 3), or a dot outside a reading frame.",
    "글자를 누르면 바뀝니다. 주황색은 그 글자를 바꾸면 모티프의 확률이 낮아지는 곳, 파란색은 높아지는 곳입니다. 위의 선은 가장 중요한 열 글자를 가리킵니다. 아래 숫자는 코돈에서의 자리(1, 2, 3)이고, 점은 해독틀 바깥입니다.",
  ],
  motif: ["Which motif is in it", "어떤 모티프가 있을까"],
  found: ["{motif} ({letters}), at letters {first} to {last}", "{motif}({letters}), {first}~{last}번째 글자"],
  none: ["No motif in it.", "모티프가 없습니다."],
  compared: [
    "By the rule that made the strings: {rule}. Frames: {right} of {all} letters as the rule has them.",
    "서열을 만든 규칙에 따르면 {rule}. 해독틀은 {all}글자 가운데 {right}글자가 규칙과 같습니다.",
  ],
  ruleMotif: ["{motif} at letter {first}", "{first}번째 글자부터 {motif}입니다"],
  ruleNone: ["no motif", "모티프가 없습니다"],
  place: ["Place", "자리"],
  letter: ["Letter", "글자"],
  weight: ["For the motif", "모티프에 준 영향"],
  frame: ["Frame", "해독틀"],
  sure: ["Probability", "확률"],
  waiting: ["The first answer comes after the first step.", "첫 단계가 끝나면 답이 나타납니다."],
  empty: ["Type some letters: A, C, G or T.", "A, C, G, T 가운데 몇 글자를 입력하세요."],
  right: ["Accuracy on strings kept apart", "떼어 둔 서열의 정확도"],
  loss: ["Loss", "손실"],
  ofMotif: ["motifs", "모티프"],
  ofFrames: ["reading frames", "해독틀"],
});

const motifNames = words({
  alpha: ["alpha", "알파"],
  beta: ["beta", "베타"],
  gamma: ["gamma", "감마"],
  none: ["none", "없음"],
});
const motifs = ["alpha", "beta", "gamma"] as const;

const explanation = [
  "Two networks read the same string in both directions, one letter at a time. The first is many to one: it says which of three motifs, ten letters long, is somewhere in the string, even with a letter replaced.\nThe second is many to many. A reading frame begins at ATG, goes on three letters at a time, and ends with TAA, TAG or TGA. So the network has to count by three in its hidden state, and remember whether a frame is open. Insert a letter: every codon after it is read differently, and the frame may end elsewhere. The strings are made up; neither network was told a rule.",
  "두 신경망이 같은 서열을 앞뒤 두 방향에서 한 글자씩 읽습니다. 첫째는 다대일입니다. 열 글자로 된 세 모티프 가운데 무엇이 서열 어딘가에 있는지 맞힙니다. 한 글자가 바뀌어 있어도 찾아냅니다.\n둘째는 다대다입니다. 해독틀은 ATG에서 시작해 세 글자씩 이어지다가 TAA, TAG, TGA에서 끝납니다. 그래서 신경망은 은닉 상태로 셋씩 세고, 틀이 열려 있는지도 기억해야 합니다. 한 글자를 끼워 보세요. 그 뒤의 코돈이 모두 다르게 읽히고, 틀이 끝나는 곳도 달라질 수 있습니다. 서열은 지어낸 것이며, 규칙은 알려 주지 않았습니다.",
] as const;

const { seed, sequence } = settings({ seed: 1, sequence: example }, { seed: { min: 0, max: 9999 } });
const training = new LiveTraining<{ seed: number }, never, typeof questions>("life", () => ({ seed: seed.value }));
let made = 0;

function Try() {
  const set = (next: string) => {
    sequence.value = next;
  };
  return (
    <fieldset class="row life-try" aria-label={text("try")}>
      <button type="button" class="quiet" id="fresh" onClick={() => set(madeUpString(++made))}>
        {text("fresh")}
      </button>
      {motifs.map((motif) => (
        <button
          key={motif}
          type="button"
          class="quiet"
          data-motif={motif}
          onClick={() => set(withMotif(sequence.value, motif))}
        >
          {text("plant", { motif: motifNames(motif) })}
        </button>
      ))}
      <button type="button" class="quiet" id="shift" onClick={() => set(withShift(sequence.value))}>
        {text("shift")}
      </button>
    </fieldset>
  );
}

function Reading() {
  const letters = lettersOf(sequence.value);
  const answered = useAnswer(training, "read", letters);
  const answer = answered?.answer;
  const rule = framesByRule(letters);
  // While an answer to other letters stands, it is not compared with these.
  const isCurrent = answered?.argument === letters;
  return (
    <section class="card stack">
      <label class="field">
        <span>{text("string", { most: MOST })}</span>
        <input
          id="sequence"
          class="mono"
          type="text"
          lang="en"
          autocomplete="off"
          spellcheck={false}
          value={sequence.value}
          onInput={({ currentTarget: { value } }) => {
            sequence.value = value;
          }}
        />
      </label>
      <Try />
      <Figure
        title={text("letters")}
        hint={text("lettersHint")}
        table={() => ({
          head: [text("place"), text("letter"), text("weight"), text("frame"), text("sure")],
          rows: (answer?.letters ?? []).map(({ weight, frame, probability }, t) => [
            t + 1,
            letters[t] ?? "",
            number(weight, 2),
            frameName(frame),
            percent(probability),
          ]),
        })}
      >
        {letters === "" ? (
          <p class="empty">{text("empty")}</p>
        ) : (
          <Letters
            sequence={letters}
            answer={answer}
            rule={isCurrent ? rule : (answer?.letters.map(({ frame }) => frame) ?? [])}
            onChange={(next) => {
              sequence.value = next;
            }}
          />
        )}
      </Figure>
      <h2>{text("motif")}</h2>
      {answer ? (
        <Said letters={letters} answer={answer} rule={rule} isCurrent={isCurrent} />
      ) : (
        <p class="empty">{text("waiting")}</p>
      )}
    </section>
  );
}

interface SaidProps {
  readonly letters: string;
  readonly answer: Answer;
  readonly rule: readonly string[];
  readonly isCurrent: boolean;
}

function Said({ letters, answer, rule, isCurrent }: SaidProps) {
  const { label, start, probabilities } = answer;
  const known = motifByRule(letters);
  const right = answer.letters.filter(({ frame }, t) => frame === rule[t]).length;
  return (
    <>
      <Bars
        bars={([...motifs, "none"] as const).map((name) => ({
          label: motifNames(name),
          value: probabilities[name] ?? 0,
          isBest: name === label,
        }))}
      />
      <p id="found">
        {label === "none"
          ? text("none")
          : text("found", {
              motif: motifNames(label),
              letters: motifSequences[label],
              first: start + 1,
              last: Math.min(letters.length, start + MOTIF),
            })}
      </p>
      {isCurrent && (
        <p class="hint" id="compared">
          {text("compared", {
            rule:
              known.label === "none"
                ? text("ruleNone")
                : text("ruleMotif", { motif: motifNames(known.label), first: known.start + 1 }),
            right,
            all: letters.length,
          })}
        </p>
      )}
    </>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <Reading />
      <section class="card charts">
        {(["accuracy", "loss"] as const).map((what) => (
          <LineChart
            key={what}
            title={text(what === "accuracy" ? "right" : "loss")}
            points={training.points}
            lines={[
              { key: `motif ${what}`, label: text("ofMotif"), color: "warm", dots: what === "accuracy" },
              { key: `frames ${what}`, label: text("ofFrames"), color: "accent", dots: what === "accuracy" },
            ]}
            {...(what === "accuracy" && { low: 0, high: 1 })}
          />
        ))}
      </section>
    </Lesson>
  );
}

show("life", Page);
