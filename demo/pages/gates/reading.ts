/** Training, and looking inside, with gates held. */
import { collate, field, type Runtime, type Vocabulary } from "webgpu-rnn";
import { gates } from "webgpu-rnn/tasks";
import type { Language } from "webgpu-rnn/tasks/data";
import type { Report } from "../../shell/messages.ts";
import { askShe, type Cell, type Held, hold, learn, Reader, type Row } from "./program.ts";
import { batchesOf, labelsOf, personsOf, rowsAt, sentenceAbout, testDistance, vocabularyOf } from "./sentences.ts";

export interface Settings {
  readonly cell: Cell;
  readonly language: Language;
  readonly seed: number;
}

export interface Subject {
  readonly settings: Settings;
  readonly vocabulary: Vocabulary;
  readonly persons: readonly string[];
  readonly tests: readonly Row[];
  readonly reader: Reader;
  /** The same network, with gates held. */
  readonly heldReader: Reader;
  dispose(): void;
}

const steps = 120;
const measureEvery = 10;
const heldOut = 2 ** 31;

const share = (rows: readonly Row[], she: readonly number[]) =>
  rows.filter(({ label }, i) => Number(she[i]! > 0.5) === label).length / rows.length;

export async function* run(
  runtime: Runtime,
  settings: Settings,
  keep: (subject: Subject) => void,
): AsyncGenerator<Report<never>> {
  const { cell, language, seed } = settings;
  const vocabulary = vocabularyOf(language);
  const [reader, heldReader] = [new Reader(cell, vocabulary.size), new Reader(cell, vocabulary.size)];
  runtime.initialize(reader, { seed });
  const dispose = () => {
    runtime.release(reader);
    runtime.release(heldReader);
  };
  const tests = rowsAt(language, testDistance, 200, heldOut);
  keep({ settings, vocabulary, persons: personsOf(language), tests, reader, heldReader, dispose });
  for await (const { step, loss } of learn(runtime, reader, vocabulary, batchesOf(language, steps, seed))) {
    const isMeasured = step % measureEvery === 0 || step === steps;
    const accuracy = isMeasured && share(tests, await askShe(runtime, reader, vocabulary, tests));
    yield { step, steps, values: { loss, ...(isMeasured && { accuracy: accuracy as number }) } };
  }
}

export interface Asked {
  /** Its place among all persons. */
  readonly person: number;
  readonly distance: number;
  readonly held: Held;
}

/** What the gates do over a sentence, and what the network says with and without those that are held. */
export async function look(subject: Subject, { person, distance, held }: Asked, runtime: Runtime) {
  const { settings, vocabulary, persons, tests, reader, heldReader } = subject;
  const { cell, language } = settings;
  const words = sentenceAbout(language, persons[person]!, distance);
  const asked = [{ words, label: 0 }];
  runtime.loadStateDict(heldReader, hold(await runtime.stateDict(reader), cell, held));
  const ask = async (one: Reader) => ({
    she: (await askShe(runtime, one, vocabulary, asked))[0]!,
    accuracy: share(tests, await askShe(runtime, one, vocabulary, tests)),
  });
  const [layer] = await gates(runtime, heldReader, collate(asked, field.tokens("words", vocabulary)));
  // [T,1,H], as rows of units.
  const values = Object.entries(layer!.values).map(([name, { shape, data }]) => {
    const [T, , H] = shape as [number, number, number];
    return [name, Array.from({ length: H }, (_, u) => Array.from({ length: T }, (_, t) => data[t * H + u]!))] as const;
  });
  return {
    cell,
    language,
    persons,
    words,
    labels: labelsOf[language],
    values: Object.fromEntries(values) as Readonly<Record<string, readonly (readonly number[])[]>>,
    free: await ask(reader),
    held: await ask(heldReader),
  };
}
