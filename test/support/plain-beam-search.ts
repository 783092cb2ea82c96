/** Beam search as plainly as it can be: a model is run on one sequence after the other, and the host ranks. */
import { leavesOf, mapTree, type SequenceModel } from "../../src/graph/trace.ts";
import type { BeamSearchOptions, Module, Runtime, Tensor, TensorData } from "../../src/index.ts";

export type AnyModel = Module & SequenceModel;
export type Options = Omit<BeamSearchOptions, "prompt" | "chunk" | "signal"> & { readonly prompt: readonly number[] };

export interface Sequence {
  readonly tokens: readonly number[];
  readonly logProbability: number;
  readonly score: number;
}

type State = Readonly<Record<string, TensorData>>;

/** What a model says after the last of some tokens. */
interface Read {
  readonly logProbabilities: readonly number[];
  readonly state: State;
}
type Reader = (tokens: readonly number[], state?: State) => Promise<Read>;

type Forward = (x: Tensor, state?: unknown) => { readonly logits: Tensor; readonly state?: unknown };
type Run = (given: State & { readonly x: TensorData }) => Promise<Record<string, TensorData>>;

/** Runs a model on one sequence: some tokens at once, from a state or from the beginning. */
function readerOf(runtime: Runtime, model: AnyModel): Reader {
  let like: unknown;
  const programs = new Map<string, Run>();
  const compile = async (T: number, from: State | undefined): Promise<Run> => {
    const shapes = Object.entries(from ?? {}).map(
      ([path, { shape, data }]) =>
        [`before ${path}`, { shape, dtype: data instanceof Int32Array ? "i32" : "f32" }] as const,
    );
    const program = await runtime.compile(model, {
      inputs: { x: { shape: [T, 1], dtype: "i32" }, ...Object.fromEntries(shapes) },
      forward({ x, ...given }: Record<string, Tensor>) {
        const state = from && mapTree(like, (_, path) => given[`before ${path}`]!);
        const { logits, state: next } = (model.forward as Forward)(x!, state);
        like ??= next;
        return { logits, ...Object.fromEntries(leavesOf(next)) };
      },
    });
    return (given) => program.run(given);
  };
  return async (tokens, from) => {
    const key = `${tokens.length} ${from !== undefined}`;
    const run = programs.get(key) ?? (await compile(tokens.length, from));
    programs.set(key, run);
    const before = Object.entries(from ?? {}).map(([path, value]) => [`before ${path}`, value] as const);
    const x = { shape: [tokens.length, 1], data: Int32Array.from(tokens) };
    const { logits, ...state } = await run({ x, ...Object.fromEntries(before) });
    const row = [...logits!.data.slice(-logits!.shape.at(-1)!)];
    const largest = Math.max(...row);
    const logSum = Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
    return { logProbabilities: row.map((value) => value - largest - logSum), state };
  };
}

const sequence = (tokens: readonly number[], logProbability: number, lengthPenalty: number): Sequence => ({
  tokens,
  logProbability,
  score: logProbability / tokens.length ** lengthPenalty,
});

/**
 * The rule, one hypothesis after the other.
 * @param stepwise reads the prompt token by token: for a model of which a step is more than a part of a sequence
 */
export async function plainBeamSearch(
  runtime: Runtime,
  model: AnyModel,
  { stepwise, ...options }: Options & { readonly stepwise: boolean },
): Promise<Sequence[]> {
  const { prompt, length, width = 4, nBest = 1, lengthPenalty = 1, endToken } = options;
  const read = readerOf(runtime, model);
  interface Kept extends Sequence {
    /** Undefined once finished. */
    readonly next: Read | undefined;
  }
  let next = await read(stepwise ? prompt.slice(0, 1) : prompt);
  for (const token of stepwise ? prompt.slice(1) : []) next = await read([token], next.state);
  let beam: Kept[] = [{ tokens: [], logProbability: 0, score: 0, next }];
  for (let step = 0; step < length; step++) {
    const continued = beam.flatMap((kept) => {
      if (!kept.next) return [{ ...kept, before: undefined }];
      return kept.next.logProbabilities.map((p, token) => ({
        ...sequence([...kept.tokens, token], kept.logProbability + p, lengthPenalty),
        before: kept.next,
      }));
    });
    // The sort is stable: equal ones stay in the order of hypotheses and tokens.
    const best = continued.sort((a, b) => b.score - a.score).slice(0, width);
    beam = [];
    for (const { before, tokens, logProbability, score } of best) {
      const last = tokens.at(-1)!;
      const after = before && last !== endToken ? await read([last], before.state) : undefined;
      beam.push({ tokens, logProbability, score, next: after });
    }
  }
  return beam.slice(0, nBest).map(({ tokens, logProbability, score }) => ({ tokens, logProbability, score }));
}

/** Every sequence that there is, best first, each by running the model on it as a whole. */
export async function allSequences(runtime: Runtime, model: AnyModel, options: Options): Promise<Sequence[]> {
  const { prompt, length, lengthPenalty = 1, endToken } = options;
  const read = readerOf(runtime, model);
  const found: Sequence[] = [];
  const visit = async (tokens: readonly number[], logProbability: number): Promise<void> => {
    if (tokens.length === length || (tokens.length > 0 && tokens.at(-1) === endToken)) {
      found.push(sequence(tokens, logProbability, lengthPenalty));
      return;
    }
    const { logProbabilities } = await read([...prompt, ...tokens]);
    for (const [token, p] of logProbabilities.entries()) await visit([...tokens, token], logProbability + p);
  };
  await visit([], 0);
  return found.sort((a, b) => b.score - a.score);
}
