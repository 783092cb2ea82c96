/** What the page knows: its settings, its text, what it trains, and what was before. */
import { batch, computed, effect, signal } from "@preact/signals";
import { language } from "../../shell/language.ts";
import { LiveTraining } from "../../shell/live-training.ts";
import type { Point } from "../../shell/messages.ts";
import { settings } from "../../shell/settings.ts";
import { makeText } from "./grammar.ts";
import type { Network } from "./program.ts";
import type { From, questions, Sample, Saved, Settings, Summary } from "./worker.ts";

export const cells = ["lstm", "gru", "rnn_tanh", "rnn_relu"] as const;
export const sources = ["english", "korean", "both", "code"] as const;
export type Source = (typeof sources)[number];

const whole = (min: number, max: number) => ({ min, max });
export const fields = settings(
  {
    ...{ text: "auto" as Source | "auto", cell: "lstm" as Network["cell"], units: 64, layers: 1, embedding: 32 },
    ...{ window: 32, batch: 16, rate: 0.01, clip: 1, steps: 600, seed: 1 },
  },
  {
    ...{
      text: [...sources, "auto"],
      cell: cells,
      units: whole(1, 4096),
      layers: whole(1, 8),
      embedding: whole(1, 1024),
    },
    ...{ window: whole(1, 1024), batch: whole(1, 1024), rate: whole(0, 1e300), clip: whole(0, 1e6) },
    ...{ steps: whole(0, 1e9), seed: whole(0, 9999) },
  },
);

/** A text of the reader's own, which no address shares. */
export const own = signal<string | undefined>(undefined);
const code = signal<string | undefined>(undefined);
/** What is learned from, in the reader's language where nothing else was chosen. */
export const source = computed<Source | "own">(() => {
  if (own.value !== undefined) return "own";
  const { value } = fields.text;
  return value === "auto" ? (language.value === "ko" ? "korean" : "english") : value;
});
const MADE_LENGTH = 30_000;
export const text = computed(() => {
  if (own.value !== undefined) return own.value;
  const { value } = source;
  if (value === "code") return code.value ?? makeText("english", MADE_LENGTH);
  return makeText(value as Exclude<Source, "code">, MADE_LENGTH);
});
effect(() => {
  if (source.value === "code" && code.peek() === undefined)
    void import("./source-code.ts").then(({ sourceCode }) => {
      code.value = sourceCode;
    });
});

/** Begins with a file while the fields are as they were when it was given. */
interface Given extends From {
  readonly key: string;
  /** The run that was under way goes on with it. */
  readonly isSame: boolean;
}
const given = signal<Given | undefined>(undefined);

const network = (): Network => {
  const { cell, units, layers, embedding, window, batch, rate, clip, seed } = fields;
  return {
    ...{ cell: cell.value, units: units.value, layers: layers.value, embedding: embedding.value },
    ...{ window: window.value, batch: batch.value, rate: rate.value, clip: clip.value, seed: seed.value },
  };
};
const keyOf = () => JSON.stringify([source.value, text.value.length, network()]);

/** Numbers the runs, so that an answer of an earlier one is known as such. */
let begun = 0;
export const training = new LiveTraining<Settings, Summary, typeof questions>("characters", () => {
  const from = given.value;
  // How many steps counts from the next start.
  const now = { run: ++begun, text: text.value, network: network(), steps: fields.steps.peek() };
  return from?.key === keyOf() ? { ...now, from } : now;
});
effect(() => {
  if (given.value && given.value.key !== keyOf()) given.value = undefined;
});

/** The last text that was written, and earlier ones of this run. */
export const sample = signal<Sample | undefined>(undefined);
export const earlier = signal<readonly Sample[]>([]);
/** What this run can go back to. */
export const kept = signal<Saved | undefined>(undefined);
export function keep(saved: Saved): void {
  if (saved.run === begun) kept.value = saved;
}
/** Points of this run from before it was gone on with. */
const past = signal<readonly Point[]>([]);
export const points = computed<readonly Point[]>(() => [...past.value, ...training.points.value]);

/** The run before this one, to compare with. */
export interface Before {
  readonly summary: Summary;
  readonly points: readonly Point[];
  readonly sample: Sample | undefined;
}
export const before = signal<Before | undefined>(undefined);
/** Points without which a run is not worth comparing with. */
const WORTH = 20;

let [seen, summary]: [readonly Point[], Summary | undefined] = [[], undefined];
effect(() => {
  summary = training.view.value ?? summary;
});
effect(() => {
  const now = training.points.value;
  if (now.length === 0 && seen.length > 0) batch(ended);
  seen = now;
});

function ended(): void {
  const from = given.peek();
  if (from?.isSame) {
    const { step = 0 } = kept.peek() ?? {};
    past.value = [...past.peek(), ...seen].filter((point) => point.step <= step);
    earlier.value = earlier.peek().filter((one) => one.step <= step);
    return;
  }
  const all = [...past.peek(), ...seen];
  if (all.length >= WORTH && summary) before.value = { summary, points: all, sample: sample.peek() };
  [past.value, earlier.value, sample.value, kept.value] = [[], [], undefined, undefined];
}

/** Texts that are kept: from the first gibberish to the present. */
const KEPT = 6;

/** Shows a text that was written, and keeps the last one; of too many, the one whose step tells least beside its neighbours' goes. */
export function take(next: Sample): void {
  const last = sample.peek();
  if (next.run !== begun) return;
  sample.value = next;
  if (!last || last.step === next.step) return;
  // The states are the last text's only: they are most of the memory.
  const all = [...earlier.peek(), { ...last, states: {} }];
  if (all.length > KEPT) {
    const ratio = (i: number) => (all[i + 1]!.step + 1) / (all[i - 1]!.step + 1);
    const inner = all.map((_, i) => i).slice(1, -1);
    all.splice(
      inner.reduce((least, i) => (ratio(i) < ratio(least) ? i : least)),
      1,
    );
  }
  earlier.value = all;
}

/** Begins anew, without a file. */
export function startOver(): void {
  if (given.peek()) given.value = undefined;
  else training.start();
}

function begin(from: From, isSame: boolean, changes: Partial<Network> = {}): void {
  batch(() => {
    for (const [name, value] of Object.entries(changes)) fields[name as keyof Network].value = value as never;
    given.value = { ...from, isSame, key: keyOf() };
  });
}

/** Goes on with the training that is done, for as many steps again. */
export async function trainOn(): Promise<void> {
  const saved = await training.ask("save", null);
  if (!saved) return;
  kept.value = saved;
  begin({ ...saved, goesOn: true }, true);
}

/** Goes back to what was kept last, at half the rate where the loss was no number any more. */
export function goBack(): void {
  const { value } = kept;
  if (!value) return;
  // The same steps at the same rate would end the same way.
  const slower = training.failure.peek()?.code === "DIVERGED" && { rate: fields.rate.peek() / 2 };
  begin({ ...value, name: `step ${value.step}`, goesOn: false, ...slower }, true, slower || {});
}

/** Shows a model of a file, which pauses first. @throws what is wrong with the file */
export async function load(file: File): Promise<void> {
  const from = { bytes: new Uint8Array(await file.arrayBuffer()), name: file.name };
  begin({ ...from, goesOn: false }, false, await training.ask("look", from));
}
