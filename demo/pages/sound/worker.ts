import type { Runtime } from "webgpu-rnn";
import type { Report } from "../../shell/messages.ts";
import { serve } from "../../shell/training-worker.ts";
import { Columns } from "./columns.ts";
import { Listening, type Piece } from "./listening.ts";
import { mixed, type NoiseKind, noise, snrOf, voice } from "./made-up.ts";
import { Masker, train } from "./program.ts";

export interface Made {
  readonly kind: NoiseKind;
  /** dB */
  readonly snr: number;
  readonly seed: number;
}

const SECONDS = 3;
/** Steps between two measurements of a mixture that is not learned from, the same one each time. */
const MEASURE_EVERY = 20;

class Subject {
  readonly model = new Masker();
  readonly #runtime: Runtime;
  listening: Listening | undefined;
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }
  dispose() {
    this.listening?.dispose();
    this.#runtime.release(this.model);
  }
}

/** Of a voice and a noise that the training does not have. */
function madeUp({ kind, snr, seed }: Made) {
  const clean = voice(seed + 20_000, SECONDS);
  return { clean, noisy: mixed(clean, noise(kind, seed + 20_000, SECONDS), snr) };
}

async function cleanedWhole(runtime: Runtime, model: Masker, samples: Float32Array) {
  const listening = await Listening.open(runtime, model, {});
  try {
    return await listening.push({ samples, isLast: true });
  } finally {
    listening.dispose();
  }
}

export const questions = {
  /** The network on a mixture that is made up. */
  async cleaned({ model }: Subject, made: Made, runtime: Runtime) {
    const { clean, noisy } = madeUp(made);
    const { cleaned, columns, milliseconds, frames } = await cleanedWhole(runtime, model, noisy);
    return {
      samples: { noisy, cleaned, clean },
      columns: { ...columns, clean: new Columns().push(clean) },
      snr: { before: snrOf(clean, noisy), after: snrOf(clean, cleaned) },
      milliseconds: milliseconds / frames,
    };
  },
  /** A piece of the reader's sound. @throws FileFormatError for files that are others */
  async listen(subject: Subject, { files, isFirst, ...piece }: Piece, runtime: Runtime) {
    if (isFirst) {
      subject.listening?.dispose();
      subject.listening = undefined;
      subject.listening = await Listening.open(runtime, subject.model, files);
    }
    return await subject.listening?.push(piece);
  },
};

export default serve(async function* (
  runtime,
  { seed }: { seed: number },
  keep: (subject: Subject) => void,
): AsyncGenerator<Report<never>> {
  const subject = new Subject(runtime);
  runtime.initialize(subject.model, { seed });
  keep(subject);
  const { clean, noisy } = madeUp({ kind: "pink", snr: 0, seed });
  for await (const { step, steps, loss } of train(runtime, subject.model, seed)) {
    const isMeasured = step % MEASURE_EVERY === 0;
    const improved = isMeasured && snrOf(clean, (await cleanedWhole(runtime, subject.model, noisy)).cleaned);
    yield { step, steps, values: { loss, ...(isMeasured && { improved: Number(improved) }) } };
  }
}, questions);
