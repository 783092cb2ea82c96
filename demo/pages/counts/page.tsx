import "./page.css";
import { computed, effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { NGramSmoothing } from "webgpu-rnn/tasks";
import { Bars } from "../../shell/bars.tsx";
import { show } from "../../shell/gallery.tsx";
import { language, number, percent } from "../../shell/language.ts";
import { Lesson } from "../../shell/lesson.tsx";
import { LineChart } from "../../shell/line-chart.tsx";
import { LiveTraining, useAnswer } from "../../shell/live-training.ts";
import { OwnText } from "../../shell/own-text.tsx";
import { sentencesOf } from "../../shell/sentences-of.ts";
import { Sequence } from "../../shell/sequence.tsx";
import { settings } from "../../shell/settings.ts";
import program from "./program.ts?raw";
import { explanation, text } from "./words.ts";
import type { questions, Settings } from "./worker.ts";

const orders = [1, 2, 3, 4, 5, 6];
const smoothings: readonly NGramSmoothing[] = ["none", "addK", "kneserNey"];

/** Stands in the address's place for the question of the page, which is in the reader's language. */
const EXAMPLE: string = "example";

const { seed, n, smoothing, beginning, word, own } = {
  ...settings(
    { seed: 1, n: 4, smoothing: "none" as NGramSmoothing, beginning: EXAMPLE, word: EXAMPLE },
    { seed: { min: 0, max: 9999 }, n: orders, smoothing: smoothings },
  ),
  own: signal(""),
};
const training = new LiveTraining<Settings, never, typeof questions>("counts", () => ({
  seed: seed.value,
  own: own.value,
  language: own.value === "" ? language.value : "en",
}));

const asked = computed(() => ({
  beginning: beginning.value === EXAMPLE ? text("exampleBeginning") : beginning.value,
  word: word.value === EXAMPLE ? text("exampleWord") : word.value,
}));
const ask = (nextBeginning: string, nextWord: string) => {
  beginning.value = nextBeginning;
  word.value = nextWord;
};
/** A question in another language than that of the made-up text would be of unknown words. */
let spoken = language.value;
effect(() => {
  if (language.value === spoken) return;
  spoken = language.value;
  if (own.peek() === "") ask(EXAMPLE, EXAMPLE);
});
/** Another text has another question: the beginning of a sentence of it. */
function askOfText(): void {
  const cut = sentencesOf(own.value.slice(0, 2000)).map((sentence) => sentence.split(/[\s,.!?]+/u));
  const [first, second, third] = cut.find((units) => units.length > 2) ?? [];
  if (third === undefined) ask(EXAMPLE, EXAMPLE);
  else ask(`${first} ${second}`, third);
}

type Answer = Awaited<ReturnType<(typeof questions)["ask"]>>;
type Compared = ReturnType<(typeof questions)["compare"]>;

/** The measures by n, and the network's perplexity as it is now. */
const compared = signal<Compared>([]);
const ofNetwork = computed(() => training.points.value.findLast(({ network }) => network !== undefined)?.network);
const measured = computed(() => (smoothing.value === "none" ? "kneserNey" : smoothing.value));
const learning = computed(() => {
  const ngram = compared.value.find((one) => one.n === n.value)?.perplexity;
  return training.points.value.map((point) => (ngram === undefined ? point : { ...point, ngram }));
});
/** Without n = 1, beside whose perplexity the others would look alike. */
const byN = computed(() =>
  compared.value
    .filter((one) => one.n > 1)
    .map((one) => (ofNetwork.value === undefined ? one : { ...one, network: ofNetwork.value })),
);

function Question() {
  const answered = useAnswer(training, "ask", {
    beginning: asked.value.beginning,
    // Without a word, this is about the end of the sentence.
    word: asked.value.word || "</s>",
    n: n.value,
    smoothing: smoothing.value,
  });
  const field = (id: string, label: "beginning" | "word", value: string, set: (value: string) => void) => (
    <label class="field">
      <span>{text(label)}</span>
      <input id={id} type="text" value={value} onInput={({ currentTarget }) => set(currentTarget.value)} />
    </label>
  );
  return (
    <section class="card stack">
      <h2>{text("question")}</h2>
      <div class="counts-question">
        {field("beginning", "beginning", asked.value.beginning, (value) => {
          ask(value, asked.value.word);
        })}
        {field("word", "word", asked.value.word, (value) => {
          ask(asked.value.beginning, value.trim());
        })}
      </div>
      {own.value === "" && (
        <div class="row">
          <button type="button" id="near" onClick={() => ask(EXAMPLE, EXAMPLE)}>
            {text("near")}
          </button>
          <button type="button" id="far" onClick={() => ask(text("far"), text("farWord"))}>
            {text("farther")}
          </button>
        </div>
      )}
      <Choices />
      {answered?.answer ? (
        <Answers {...answered.answer} />
      ) : (
        <p class="empty">{text(answered?.refused ? "unknown" : "waiting")}</p>
      )}
    </section>
  );
}

function Choices() {
  return (
    <div class="counts-question">
      <fieldset class="cells">
        <legend>{text("n")}</legend>
        {orders.map((order) => (
          <label key={order}>
            <input
              type="radio"
              name="n"
              value={order}
              checked={order === n.value}
              onChange={() => {
                n.value = order;
              }}
            />
            <span class="pill">{order}</span>
          </label>
        ))}
      </fieldset>
      <label class="field">
        <span>{text("smoothing")}</span>
        <select
          id="smoothing"
          value={smoothing.value}
          onChange={({ currentTarget }) => {
            smoothing.value = currentTarget.value as NGramSmoothing;
          }}
        >
          {smoothings.map((known) => (
            <option key={known} value={known}>
              {text(known)}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

function Answers({ units, counted, countedNext, learned, learnedNext }: Answer) {
  const { unit, context, count, contextCount, probability } = counted;
  const all = ["<s>", ...units];
  // In front of a sentence there is more than one <s>, of which one is shown.
  const last = Math.min(context.length, all.length);
  return (
    <>
      <Sequence
        label={text("beginning")}
        steps={all.map((one, i) => {
          const isSeen = i >= all.length - last;
          return { unit: one, tint: isSeen ? 0.8 : 0, note: text(isSeen ? "seen" : "unseen", { n: n.value }) };
        })}
      />
      <p class="hint">{text(last === 0 ? "sees0" : "sees", { n: n.value, last })}</p>
      <div class="counts-both">
        <div class="stack" id="counted">
          <h3>{text("counted")}</h3>
          <p class="counts-equation">
            <span>P({shown([unit, ...(last > 0 ? ["|"] : []), ...context.slice(context.length - last)])}) =</span>
            <span class="counts-fraction">
              <span>{number(count)}</span>
              <span class="sr">{text("by")}</span>
              <span>{number(contextCount)}</span>
            </span>
            {contextCount > 0 && <span class="counts-result">= {percent(count / contextCount, 1)}</span>}
          </p>
          <p class="hint">
            {contextCount === 0 && text("noContext")}{" "}
            {smoothing.value !== "none" && text("smoothed", { share: percent(probability, 1) })}
          </p>
          {(contextCount > 0 || smoothing.value !== "none") && <Next next={countedNext} asked={unit} />}
        </div>
        <div class="stack" id="learned">
          <h3>{text("learned")}</h3>
          <p class="counts-equation">
            <span>P({shown([unit, "|", ...units])}) =</span>
            <span class="counts-result">{percent(learned, 1)}</span>
          </p>
          <p class="hint">{units.length > 0 ? text("state", { last: units.at(-1)! }) : text("stateAtStart")}</p>
          <Next next={learnedNext} asked={unit} />
        </div>
      </div>
    </>
  );
}

const shown = (units: readonly string[]) => units.join(" ");

function Next({ next, asked: wanted }: { readonly next: Answer["learnedNext"]; readonly asked: string }) {
  return (
    <Bars
      digits={1}
      bars={next.map(({ unit, probability }) => ({
        label: unit === "</s>" ? text("end") : unit,
        value: probability,
        isBest: unit === wanted,
      }))}
    />
  );
}

function Compare() {
  const answered = useAnswer(training, "compare", measured.value);
  useEffect(() => {
    compared.value = answered?.answer ?? [];
  }, [answered]);
  const name = text("ngram", { n: n.value, smoothing: text(measured.value) });
  return (
    <section class="card charts">
      <LineChart
        title={text("perplexity")}
        hint={`${text("perplexityHint")}${smoothing.value === "none" ? ` ${text("infinite")}` : ""}`}
        points={learning}
        low={1}
        high={12}
        lines={[
          { key: "network", label: text("network"), color: "warm", dots: true },
          { key: "ngram", label: name, color: "accent", dash: [6, 4] },
          { key: "trained", label: text("trained"), color: "accent-faint" },
        ]}
      />
      <LineChart
        title={text("byN")}
        hint={text("byNHint", { perplexity: number(compared.value[0]?.perplexity ?? 0, 1) })}
        points={byN}
        x="n"
        xLabel="n"
        low={1}
        lines={[
          { key: "network", label: text("network"), color: "warm" },
          { key: "perplexity", label: text("ngrams"), color: "accent", dots: true },
        ]}
      />
      <LineChart
        title={text("sparsity")}
        hint={text("sparsityHint")}
        points={compared}
        x="n"
        xLabel="n"
        high={1}
        lines={[
          { key: "unseenNGrams", label: text("unseenNGrams"), color: "warm", dots: true },
          { key: "unseenContexts", label: text("contexts"), color: "accent", dots: true },
        ]}
      />
    </section>
  );
}

function NeverSeen() {
  const found = useAnswer(training, "neverSeen", n.value)?.answer;
  return (
    <section class="card stack">
      <h2>{text("list")}</h2>
      <p class="hint">{text(found?.length === 0 ? "allSeen" : "listHint", { n: n.value })}</p>
      <ul class="counts-unseen" id="neverSeen">
        {found?.map((one) => (
          <li key={one.beginning}>
            <button type="button" onClick={() => ask(one.beginning, one.word)}>
              {one.beginning} …
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <Question />
      <Compare />
      <NeverSeen />
      <OwnText own={own} onLearn={askOfText} />
    </Lesson>
  );
}

show("counts", Page);
