/** What the page says in numbers: of one unit at one word, and of the whole sentence. */
import { Bars } from "../../shell/bars.tsx";
import { number, percent, words } from "../../shell/language.ts";
import type { Part } from "./cells.ts";
import type { Held } from "./program.ts";
import type { Place } from "./strips.tsx";
import type { questions } from "./worker.ts";

const text = words({
  step: ["Word", "단어"],
  unit: ["Unit", "유닛"],
  at: ["Unit {unit} at “{word}”", "‘{word}’에서 유닛 {unit}"],
  answer: ["Who was it?", "누구였을까?"],
  free: ["All gates free", "모든 게이트가 자유로울 때"],
  held: ["With {gates}", "{gates}일 때"],
  accuracy: [
    "Right in {share} of 200 sentences with 12 words in between.",
    "사이에 단어가 12개인 문장 200개 가운데 {share}를 맞힙니다.",
  ],
  tryHold: ["Hold a gate at 0 or 1: what is forgotten?", "게이트를 0이나 1로 고정해 보세요. 무엇을 잊을까요?"],
});

const shownHeld = (gates: Held) =>
  Object.entries(gates)
    .map(([name, value]) => `${name} = ${value}`)
    .join(", ");

export type Answer = Awaited<ReturnType<(typeof questions)["look"]>>;

/** Every part at one unit and one word, in numbers. */
export function Numbers({
  values,
  words: sentence,
  parts,
  at,
  onPlace,
}: Answer & { readonly parts: readonly Part[]; readonly at: Place; readonly onPlace: (place: Place) => void }) {
  const last = sentence.length - 1;
  const units = values.h!.length;
  return (
    <section class="card stack">
      <h2>{text("at", { unit: at.unit + 1, word: sentence[at.step]! })}</h2>
      <dl class="gates-numbers">
        {parts.map(({ name }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{number(values[name]![at.unit]![at.step]!, 2)}</dd>
          </div>
        ))}
      </dl>
      <div class="gates-sliders">
        <label class="field">
          <span>{text("step")}</span>
          <input
            type="range"
            min="0"
            max={last}
            value={at.step}
            aria-valuetext={sentence[at.step]}
            onInput={({ currentTarget }) => onPlace({ ...at, step: Number(currentTarget.value) })}
          />
        </label>
        <label class="field">
          <span>{text("unit")}</span>
          <input
            type="range"
            min="1"
            max={units}
            value={at.unit + 1}
            onInput={({ currentTarget }) => onPlace({ ...at, unit: Number(currentTarget.value) - 1 })}
          />
        </label>
      </div>
    </section>
  );
}

/** What the network says of the sentence, as it is and with gates held. */
export function Said({ labels, language: lang, free, held: withHeld, gates }: Answer & { readonly gates: Held }) {
  const bars = ({ she }: { readonly she: number }) =>
    [1 - she, she].map((value, i) => ({ label: labels[i]!, value, isBest: value > 0.5, lang }));
  const accuracy = (share: number) => <p class="hint">{text("accuracy", { share: percent(share) })}</p>;
  return (
    <section class="card stack" id="said">
      <h2>{text("answer")}</h2>
      <h3>{text("free")}</h3>
      <div id="free">
        <Bars bars={bars(free)} />
        {accuracy(free.accuracy)}
      </div>
      {Object.keys(gates).length > 0 ? (
        <>
          <h3>{text("held", { gates: shownHeld(gates) })}</h3>
          <div id="held">
            <Bars bars={bars(withHeld)} />
            {accuracy(withHeld.accuracy)}
          </div>
        </>
      ) : (
        <p>{text("tryHold")}</p>
      )}
    </section>
  );
}
