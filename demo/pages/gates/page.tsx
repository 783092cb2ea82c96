import { signal } from "@preact/signals";
import type { Language } from "webgpu-rnn/tasks/data";
import { Equation } from "../../shell/equation.tsx";
import { show } from "../../shell/gallery.tsx";
import { inLanguage, language, words } from "../../shell/language.ts";
import { Lesson } from "../../shell/lesson.tsx";
import { LineChart } from "../../shell/line-chart.tsx";
import { LiveTraining, useAnswer } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import { Numbers, Said } from "./answer.tsx";
import { type Part, partsOf } from "./cells.ts";
import "./page.css";
import type { Cell, Held } from "./program.ts";
import program from "./program.ts?raw";
import { type Place, Strips } from "./strips.tsx";
import type { questions } from "./worker.ts";

const text = words({
  cell: ["Cell", "셀"],
  person: ["Who is in the sentence", "문장에 나오는 사람"],
  distance: ["Words in between", "사이에 있는 단어"],
  words: ["{count} words", "단어 {count}개"],
  waiting: ["The first picture comes after the first step.", "첫 단계가 끝나면 그림이 나타납니다."],
  equation: ["{name}: {title}", "{name}: {title}"],
  heldAt: [
    "{name} is held at {value}: it no longer looks at the word or the state.",
    "{name} = {value}: 고정한 게이트는 단어도 상태도 보지 않습니다.",
  ],
  loss: ["Loss", "손실"],
  accuracyTitle: ["Accuracy on sentences kept apart", "떼어 둔 문장의 정확도"],
  accuracyShort: ["accuracy", "정확도"],
});

const explanation = [
  "A network with 8 units reads a sentence about one person and says at its end: he or she? Gates are numbers between 0 and 1 that it computes at every word. In an LSTM, f says how much of the memory c stays, i how much is written, and o how much is shown. Look at c: what the person left there stays to the end, and even grows.\nHold f at 0, and c is emptied at every word. Hold i at 0, and nothing is written. In a GRU, z at 1 means that h never changes. Whatever you hold, the network really computes with it, and answers. The sentences are made up.",
  "유닛이 8개인 신경망이 한 사람이 나오는 문장을 읽고, 끝에서 ‘그는’인지 ‘그녀는’인지 맞힙니다. 게이트는 단어마다 계산하는 0과 1 사이의 값입니다. LSTM에서 f는 기억 c를 얼마나 남길지, i는 얼마나 써넣을지, o는 얼마나 내보낼지 정합니다. c를 보세요. 사람이 남긴 흔적이 끝까지 남고, 점점 뚜렷해지기까지 합니다.\nf를 0으로 고정하면 단어마다 c가 비워지고, i를 0으로 고정하면 아무것도 쓰지 못합니다. GRU에서 z를 1로 고정하면 h가 바뀌지 않습니다. 고정한 값으로 신경망이 실제로 다시 계산합니다. 문장은 지어낸 것입니다.",
] as const;

const { cell, held, seed } = settings(
  { cell: "lstm" as Cell, held: "" as string, seed: 1 },
  { cell: ["lstm", "gru"], seed: { min: 0, max: 9999 } },
);
const training = new LiveTraining<{ cell: Cell; language: Language; seed: number }, never, typeof questions>(
  "gates",
  () => ({ cell: cell.value, language: language.value, seed: seed.value }),
);

/** Of an address such as `#held=f0o1`, the gates that the cell has. */
function heldNow(): Held {
  const gates = partsOf[cell.value].filter(({ isGate }) => isGate).map(({ name }) => name);
  const pairs = [...held.value.matchAll(/([a-z])([01])/g)].filter(([, name]) => gates.includes(name!));
  return Object.fromEntries(pairs.map(([, name, value]) => [name!, Number(value) as 0 | 1]));
}

const cells = ["lstm", "gru"] as const;
const distances = [4, 8, 12, 16];

/** The person by the place among all, who are others in another language; those in the second half are she. */
const person = signal(12);
const distance = signal(8);
const pointed = signal("f");
const place = signal<Place>({ step: 4, unit: 0 });

function Choices({ persons }: { readonly persons: readonly string[] }) {
  return (
    <section class="card row gates-choices">
      <fieldset class="cells">
        <legend>{text("cell")}</legend>
        {cells.map((known) => (
          <label key={known}>
            <input
              type="radio"
              name="cell"
              value={known}
              checked={cell.value === known}
              onChange={() => {
                cell.value = known;
              }}
            />
            <span class="pill">{known.toUpperCase()}</span>
          </label>
        ))}
      </fieldset>
      <label class="field">
        <span>{text("person")}</span>
        <select
          id="person"
          onChange={({ currentTarget }) => {
            person.value = Number(currentTarget.value);
          }}
        >
          {persons.map((name, i) => (
            <option key={name} value={String(i)} selected={i === person.value}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>{text("distance")}</span>
        <select
          id="distance"
          onChange={({ currentTarget }) => {
            distance.value = Number(currentTarget.value);
          }}
        >
          {distances.map((known) => (
            <option key={known} value={String(known)} selected={known === distance.value}>
              {text("words", { count: known })}
            </option>
          ))}
        </select>
      </label>
    </section>
  );
}

/** What the part that is pointed at computes. */
function PartNow({ part, value }: { readonly part: Part; readonly value: 0 | 1 | undefined }) {
  const { name, title, about, tex } = part;
  return (
    <section class="card stack gates-equation" aria-live="polite">
      <h2>{text("equation", { name, title: inLanguage(title) })}</h2>
      <p>{inLanguage(about)}</p>
      {value === undefined ? (
        <Equation
          block
          tex={tex}
          symbol={name}
          onSymbol={(symbol) => {
            if (symbol) pointed.value = symbol;
          }}
        />
      ) : (
        <>
          <Equation block tex={`${name}_t = ${value}`} />
          <p class="hint">{text("heldAt", { name, value: String(value) })}</p>
        </>
      )}
    </section>
  );
}

function Inside() {
  const gates = heldNow();
  const asked = { person: person.value, distance: distance.value, held: gates };
  const answer = useAnswer(training, "look", asked)?.answer;
  // The last answer may be that of the other cell.
  const parts = partsOf[answer?.cell ?? cell.value];
  const part = parts.find(({ name }) => name === pointed.value) ?? parts[0]!;
  const at = { ...place.value, step: Math.min(place.value.step, (answer?.words.length ?? 1) - 1) };
  const onPlace = (next: Place) => {
    place.value = next;
  };
  const onPoint = (name: string) => {
    pointed.value = name;
  };
  const onHold = (name: string, value: 0 | 1 | undefined) => {
    const { [name]: _, ...others } = gates;
    held.value = Object.entries(value === undefined ? others : { ...others, [name]: value })
      .flat()
      .join("");
  };
  return (
    <>
      <Choices persons={answer?.persons ?? []} />
      {answer ? (
        <div class="gates-top">
          <section class="card">
            <Strips
              {...{ parts, at, onHold, onPoint, onPlace }}
              words={answer.words}
              lang={answer.language}
              values={answer.values}
              held={gates}
              pointed={part.name}
            />
          </section>
          <div class="gates-side">
            <PartNow part={part} value={gates[part.name]} />
            <Numbers {...answer} {...{ parts, at, onPlace }} />
            <Said {...answer} gates={gates} />
          </div>
        </div>
      ) : (
        <p class="card empty">{text("waiting")}</p>
      )}
    </>
  );
}

function Page() {
  return (
    <Lesson training={training} seed={seed} explanation={explanation} program={program}>
      <Inside />
      <section class="card charts">
        <LineChart
          title={text("loss")}
          points={training.points}
          lines={[{ key: "loss", label: text("loss"), color: "accent" }]}
        />
        <LineChart
          title={text("accuracyTitle")}
          points={training.points}
          lines={[{ key: "accuracy", label: text("accuracyShort"), color: "warm", dots: true }]}
          low={0}
          high={1.02}
        />
      </section>
    </Lesson>
  );
}

show("gates", Page);
