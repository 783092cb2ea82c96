import { parameterCount, type Runtime, readCheckpoint, saveCheckpoint, saveModel } from "webgpu-rnn";
import { joined } from "../../shell/joined.ts";
import type { Report } from "../../shell/messages.ts";
import { serve } from "../../shell/training-worker.ts";
import { type Following, following, type Indicator } from "./follow.ts";
import { begin, measure, type Network, statesOver, train, write } from "./program.ts";
import { networkOf, onlyKnown, type Resumed, resume, rowsOf } from "./resume.ts";

/** A file to begin with in place of a new model. */
export interface From {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly name: string;
  /** In place of the file's. */
  readonly rate?: number;
  /** Else it pauses first. */
  readonly goesOn: boolean;
}

export interface Settings {
  /** A number for the run, which its answers have. */
  readonly run: number;
  readonly text: string;
  readonly network: Network;
  /** 0: until it is paused. */
  readonly steps: number;
  readonly from?: From;
}

/** What is trained now. */
export interface Summary {
  readonly cell: Network["cell"];
  readonly units: number;
  readonly parameters: number;
  readonly vocabulary: number;
  readonly batch: number;
  readonly window: number;
  /** To read the text once; 0 of a model that can write only. */
  readonly stepsPerEpoch: number;
  /** Characters of the text that the model does not know. */
  readonly skipped: number;
}

export interface Saved {
  readonly run: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly step: number;
  readonly name: string;
}

export interface Sample {
  readonly run: number;
  readonly step: number;
  readonly temperature: number;
  readonly prompt: string;
  /** Characters of the prompt that the model does not know. */
  readonly skipped: string;
  readonly written: readonly string[];
  /** What was read before each of the written ones. */
  readonly read: readonly string[];
  readonly layers: number;
  readonly units: number;
  /** By name, `[written, layers, units]`. */
  readonly states: Readonly<Record<string, Float32Array>>;
}

interface Subject extends Resumed {
  readonly run: number;
  dispose(): void;
}

/** Characters from the text's end, which is kept apart, for the search for units, and how many of them it finds. */
const READ_AT_MOST = 1000;
const FOUND = 4;
/** The smoothed loss is a mean over about a tenth of all steps so far, within these bounds. */
const [FEWEST, MOST] = [4, 50];

function make(runtime: Runtime, { text: whole, network, from }: Settings): Resumed {
  if (from) return resume(runtime, from.bytes, from.name, whole, from.rate);
  // A short text has fewer rows.
  const batch = Math.max(1, Math.min(network.batch, rowsOf(whole, network.window, 0.1)));
  const learns = begin(runtime, whole, { ...network, batch });
  const { model, vocabulary } = learns.training;
  return { model, vocabulary, whole, step: 0, skipped: 0, learns };
}

function summaryOf({ model, vocabulary, learns, skipped }: Resumed): Summary {
  const { cell, hiddenSize: units } = model.options;
  const { batch = 0, window = 0 } = learns?.training.training ?? {};
  const stepsPerEpoch = learns?.text.training.stepsPerEpoch ?? 0;
  const size = { parameters: parameterCount(model), vocabulary: vocabulary.size };
  return { cell, units, ...size, batch, window, stepsPerEpoch, skipped };
}

async function* run(runtime: Runtime, settings: Settings, keep: (subject: Subject) => void) {
  const made = make(runtime, settings);
  const { model, learns, step } = made;
  keep({
    ...made,
    run: settings.run,
    dispose() {
      learns?.training.trainer.dispose();
      runtime.release(model);
    },
  });
  const until = settings.steps > 0 ? step + settings.steps : 0;
  const kept = learns?.text.validation;
  const first: Report<Summary> = { step, steps: until, view: summaryOf(made), pause: settings.from?.goesOn === false };
  yield kept ? { ...first, values: { heldOut: await measure(runtime, model, kept) } } : first;
  if (!learns) return;
  let smooth: number | undefined;
  let count = 0;
  const steps = settings.steps > 0 ? settings.steps : Number.POSITIVE_INFINITY;
  for await (const { step, ...values } of train(runtime, learns.training, learns.text, steps)) {
    const share = 1 / Math.min(MOST, Math.max(FEWEST, ++count / 10));
    smooth = smooth === undefined ? values.bits : smooth + share * (values.bits - smooth);
    yield { step, steps: until, values: { ...values, smooth } };
  }
}

const stepOf = ({ learns, step }: Subject) => learns?.training.trainer.steps ?? step;

export interface Wish {
  readonly temperature: number;
  /** May be empty, and may have characters that the model does not know. */
  readonly prompt: string;
  /** Another one, another text. */
  readonly seed: number;
}

export const questions = {
  async write(subject: Subject, { temperature, prompt, seed }: Wish, runtime: Runtime): Promise<Sample> {
    const { model, vocabulary } = subject;
    const { known } = onlyKnown(prompt, vocabulary);
    const { symbols } = vocabulary;
    const start = known || (symbols.includes("\n") ? "\n" : symbols[0]!);
    const written: string[] = [];
    const parts: Readonly<Record<string, { readonly data: Float32Array }>>[] = [];
    const how = { temperature, seed: stepOf(subject) + seed };
    for await (const { characters, states } of write(runtime, model, vocabulary, start, how)) {
      written.push(...characters);
      parts.push(states);
    }
    return {
      run: subject.run,
      step: stepOf(subject),
      temperature,
      prompt: known,
      skipped: [...new Set([...prompt].filter((character) => !symbols.includes(character)))].join(" "),
      written,
      read: [[...start].at(-1)!, ...written.slice(0, -1)],
      layers: model.options.numLayers,
      units: model.options.hiddenSize,
      states: Object.fromEntries(
        Object.keys(parts[0]!).map((name) => [name, joined(parts.map((part) => part[name]!.data))]),
      ),
    };
  },

  async follow({ model, vocabulary, whole }: Subject, indicator: Indicator, runtime: Runtime): Promise<Following[]> {
    const { known } = onlyKnown(whole.slice(-READ_AT_MOST), vocabulary);
    if (known === "") return [];
    const states = await statesOver(runtime, model, vocabulary.encode(known));
    return following([...known], states, indicator, FOUND);
  },

  async save(subject: Subject, _: null, runtime: Runtime): Promise<Saved> {
    const { model, vocabulary, learns, run } = subject;
    const bytes = learns ? await saveCheckpoint(learns.training) : await saveModel(runtime, { model, vocabulary });
    const step = stepOf(subject);
    const { cell, hiddenSize } = model.options;
    return { run, bytes, step, name: `${cell}-${hiddenSize}-step-${step}.safetensors` };
  },

  /** What a file was made with. @throws FileFormatError when it is no model */
  look: (_: Subject, { bytes, name }: Pick<From, "bytes" | "name">) => networkOf(readCheckpoint(bytes, name)),
};

export default serve(run, questions);
