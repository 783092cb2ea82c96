/** A recurrent layer with options as a case for gradient-check.ts. */
import { GRU, type GRUOptions, LSTM, type LSTMOptions, RNN, type RNNOptions, type Tensor } from "../../src/index.ts";
import { type GradientCase, only } from "./gradient-check.ts";

export interface Shape {
  readonly T?: number;
  readonly B?: number;
  readonly initial?: boolean;
  readonly lengths?: readonly number[];
  readonly mask?: readonly number[];
  readonly training?: number;
  readonly tokens?: boolean;
}

type Options<O> = Partial<O>;
type Layer = { forward(x: Tensor, state?: never, real?: object): { output: Tensor; state: Record<string, unknown> } };

const makers = {
  lstm: (options: Options<LSTMOptions>) => new LSTM({ inputSize: 3, hiddenSize: 5, ...options }),
  gru: (options: Options<GRUOptions>) => new GRU({ inputSize: 3, hiddenSize: 5, ...options }),
  rnn: (options: Options<RNNOptions>) => new RNN({ inputSize: 3, hiddenSize: 5, ...options }),
};

export type Kind = keyof typeof makers;

export function layerCase<K extends Kind>(
  kind: K,
  name: string,
  options: Parameters<(typeof makers)[K]>[0],
  { T = 4, B = 3, initial = false, lengths, mask, training, tokens = false }: Shape = {},
): GradientCase {
  const layer = makers[kind](options as never);
  const sizes = [options.hiddenSize ?? 5].flat() as number[];
  const D = options.bidirectional ? 2 : 1;
  const L = Array.isArray(options.hiddenSize) ? sizes.length : (options.numLayers ?? 1);
  const P = (options as LSTMOptions).projSize;
  const I = options.inputSize ?? 3;
  const states = kind === "lstm" ? ["h", "c"] : ["h"];
  const stateShape = (s: string) => [L * D, B, s === "h" && P ? P : sizes[0]!];
  const flat = (value: unknown, at: string): [string, Tensor][] =>
    Array.isArray(value) ? value.map((one, i) => [`${at} ${i}`, one]) : [[at, value as Tensor]];
  return {
    name: `${kind} ${name}`,
    model: only(layer),
    inputs: {
      x: tokens ? { shape: [T, B], below: I } : { shape: options.batchFirst ? [B, T, I] : [T, B, I] },
      ...(lengths && { lengths: { shape: [B], integers: lengths } }),
      ...(mask && { mask: { shape: options.batchFirst ? [B, T] : [T, B], integers: mask } }),
      ...(initial && Object.fromEntries(states.map((s) => [s, { shape: stateShape(s) }]))),
    },
    forward(inputs) {
      const given = initial ? Object.fromEntries(states.map((s) => [s, inputs[s]!])) : undefined;
      const real = {
        ...(inputs.lengths && { lengths: inputs.lengths }),
        ...(inputs.mask && { mask: inputs.mask }),
      };
      const { output, state } = (layer as unknown as Layer).forward(inputs.x!, given as never, real);
      return { output, ...Object.fromEntries(states.flatMap((s) => flat(state[s], `next ${s}`))) };
    },
    ...(training !== undefined && { training }),
  };
}
