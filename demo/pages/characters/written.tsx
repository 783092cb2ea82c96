/** What the network writes, coloured by a unit, and what it wrote before. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { number, words } from "../../shell/language.ts";
import { useAnswer } from "../../shell/live-training.ts";
import { indicators } from "./follow.ts";
import { found, indicator, map, place, stateName, unit } from "./looking.ts";
import { cellName } from "./network-card.tsx";
import { type Before, before, earlier, keep, sample, source, take, training } from "./state.ts";

const text = words({
  title: ["What it writes", "신경망이 쓴 글"],
  at: ["Step {step}, temperature {temperature}", "{step}단계, 온도 {temperature}"],
  soon: ["The first text comes after a few steps.", "몇 단계가 지나면 첫 글이 나타납니다."],
  temperature: ["Temperature", "온도"],
  temperatureHint: [
    "0 always takes the likeliest character; 1 draws as the network believes; more is wilder.",
    "0이면 언제나 가장 그럴듯한 글자를 고르고, 1이면 예측한 확률대로 뽑습니다. 높을수록 거칠어집니다.",
  ],
  prompt: ["Begin with", "시작 글"],
  optional: ["optional", "비워 두어도 됩니다"],
  skipped: ["Not in the alphabet and left out: {characters}", "모델이 모르는 글자라 뺐습니다: {characters}"],
  again: ["Write another", "새로 쓰기"],
  follow: ["Units that follow", "무엇을 따라가는 유닛인가"],
  words: ["words", "낱말"],
  spaces: ["spaces", "띄어쓰기"],
  lines: ["line ends", "줄 끝"],
  unit: ["unit {unit}: {correlation}", "유닛 {unit}: {correlation}"],
  followHint: [
    "The number is the unit’s correlation with that over text kept apart, 1 or −1 at best. The chosen unit colours the text: orange where it is high, blue where it is low.",
    "숫자는 떼어 둔 글에서 잰 상관계수로, 1이나 -1에 가까울수록 잘 따라갑니다. 고른 유닛이 글에 색을 입힙니다. 값이 높으면 주황색, 낮으면 파란색입니다.",
  ],
  searching: ["Searching…", "찾는 중…"],
  before: ["The run before", "바로 앞의 학습"],
  run: ["{cell}, {units} units, step {step}", "{cell}, 유닛 {units}개, {step}단계"],
  earlier: ["Earlier in this run", "이번 학습의 이전 글"],
  step: ["Step {step}", "{step}단계"],
});

/** Milliseconds between two texts: as long as one takes to read a line. */
const WRITE_EVERY = 1500;
const SEARCH_EVERY = 2000;
const KEEP_EVERY = 3000;

export const runName = ({ summary, points }: Before): string =>
  text("run", { cell: cellName(summary.cell), units: summary.units, step: points.at(-1)!.step });

export function Written() {
  const temperature = useSignal(0.8);
  const shownTemperature = useSignal(0.8);
  const prompt = useSignal("");
  const seed = useSignal(0);
  const wish = { temperature: temperature.value, prompt: prompt.value, seed: seed.value };
  const written = useAnswer(training, "write", wish, WRITE_EVERY)?.answer;
  useEffect(() => {
    if (written) take(written);
  }, [written]);
  const saved = useAnswer(training, "save", null, KEEP_EVERY)?.answer;
  useEffect(() => {
    if (saved) keep(saved);
  }, [saved]);
  const now = sample.value;
  return (
    <section class="card stack characters-written">
      <div class="row between">
        <h2>{text("title")}</h2>
        <p class="hint" id="sampleAt">
          {now && text("at", { step: now.step, temperature: number(now.temperature, 2) })}
        </p>
      </div>
      {now ? <Latest /> : <p class="empty">{text("soon")}</p>}
      <Search />
      <div class="characters-wish">
        <div class="field">
          <label for="temperature">
            {text("temperature")} <output for="temperature">{number(shownTemperature.value, 2)}</output>
          </label>
          <input
            type="range"
            id="temperature"
            min="0"
            max="2"
            step="0.05"
            value={shownTemperature.value}
            aria-describedby="temperatureHint"
            onInput={({ currentTarget }) => {
              shownTemperature.value = Number(currentTarget.value);
            }}
            onChange={({ currentTarget }) => {
              temperature.value = Number(currentTarget.value);
            }}
          />
        </div>
        <label class="field">
          <span>{text("prompt")}</span>
          <input
            type="text"
            id="prompt"
            maxLength={200}
            spellcheck={false}
            placeholder={text("optional")}
            value={prompt.value}
            onInput={({ currentTarget }) => {
              prompt.value = currentTarget.value;
            }}
          />
        </label>
        <button
          type="button"
          id="again"
          disabled={!now}
          onClick={() => {
            seed.value += 1_000_000;
          }}
        >
          {text("again")}
        </button>
      </div>
      <p class="hint" id="temperatureHint">
        {text("temperatureHint")}
      </p>
      {now?.skipped && (
        <p class="hint warn" id="skipped">
          {text("skipped", { characters: now.skipped })}
        </p>
      )}
      <RunBefore />
    </section>
  );
}

/** The language of what is written, where it is known: for voices, and for where lines are broken. */
const languageOf = () => ({ english: "en", korean: "ko" })[source.value as string];

function Latest() {
  const { prompt, written } = sample.value!;
  const states = unit.value === undefined ? undefined : map.value?.values[unit.value];
  const most = Math.max(1e-9, ...(states ?? []).map(Math.abs));
  const column = place.value?.column;
  return (
    <p class="sample characters-latest" id="latest" lang={languageOf()}>
      <span class="characters-given">{prompt}</span>
      {written.map((character, k) => (
        <span
          key={k}
          class={k === column ? "characters-here" : undefined}
          style={states && { background: tintOf(states[k]! / most) }}
        >
          {character === "\n" ? "↵\n" : character}
        </span>
      ))}
    </p>
  );
}

const tintOf = (value: number) =>
  `color-mix(in srgb, var(--map-${value < 0 ? "low" : "high"}) ${Math.round(Math.abs(value) * 50)}%, transparent)`;

function Search() {
  const answer = useAnswer(training, "follow", indicator.value, SEARCH_EVERY);
  useEffect(() => {
    if (answer?.answer && answer.argument === indicator.value) found.value = answer.answer;
  }, [answer]);
  return (
    <div class="characters-search">
      <fieldset class="cells">
        <legend>{text("follow")}</legend>
        {indicators.map((known) => (
          <label key={known}>
            <input
              type="radio"
              name="indicator"
              value={known}
              checked={known === indicator.value}
              onChange={() => {
                indicator.value = known;
                found.value = [];
                place.value = undefined;
              }}
            />
            <span class="pill">{text(known)}</span>
          </label>
        ))}
      </fieldset>
      <div class="row" id="found">
        {found.value.map(({ unit: number_, correlation }) => (
          <button
            key={number_}
            type="button"
            aria-pressed={unit.value === number_}
            onClick={() => {
              stateName.value = "h";
              place.value = { row: number_, column: place.value?.column ?? 0 };
            }}
          >
            {text("unit", { unit: number_ + 1, correlation: number(correlation, 2) })}
          </button>
        ))}
        {found.value.length === 0 && <p class="hint">{text("searching")}</p>}
      </div>
      <p class="hint">{text("followHint")}</p>
    </div>
  );
}

const inOneLine = ({ prompt, written }: { readonly prompt: string; readonly written: readonly string[] }) =>
  `${prompt}${written.join("")}`.trim().replace(/\s*\n\s*/g, " ↵ ");

function RunBefore() {
  const last = before.value;
  return (
    last?.sample && (
      <div id="before">
        <h3>
          {text("before")}: {runName(last)}
        </h3>
        <p class="sample characters-old">{inOneLine(last.sample)}</p>
      </div>
    )
  );
}

/** From the first gibberish to the present. */
export function Earlier() {
  return (
    earlier.value.length > 0 && (
      <section class="card stack">
        <h2>{text("earlier")}</h2>
        <ol class="characters-history" id="earlier">
          {earlier.value.toReversed().map((one) => (
            <li key={one.step}>
              <span class="hint">{text("step", { step: one.step })}</span>
              <span class="sample" lang={languageOf()}>
                {inOneLine(one)}
              </span>
            </li>
          ))}
        </ol>
      </section>
    )
  );
}
