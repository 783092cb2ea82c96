/** A question to both models, and their answers beside one another. */
import type { NGramSmoothing } from "webgpu-rnn/tasks";
import { Bars } from "../../shell/bars.tsx";
import { number, percent } from "../../shell/language.ts";
import { useAnswer } from "../../shell/live-training.ts";
import { Sequence } from "../../shell/sequence.tsx";
import { ask, asked, EXAMPLE, n, orders, own, smoothing, smoothings, training } from "./state.ts";
import { text } from "./words.ts";
import type { questions } from "./worker.ts";

type Answer = Awaited<ReturnType<(typeof questions)["ask"]>>;

export function Question() {
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
