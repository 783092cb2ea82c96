/** Recurrent layers whose steps are traced one by one: the numbers of the layers as they are, and every state to be seen or changed. */
import { expect, test } from "vitest";
import {
  functional,
  GRU,
  type LayerStep,
  LSTM,
  type Module,
  OptionError,
  RandomStream,
  type Recurrent,
  RNN,
  Runtime,
  type StateDict,
  stepByStep,
  type Tensor,
} from "../../src/index.ts";

const runtime = await Runtime.open({ backend: "cpu" });
const [T, B, I] = [5, 3, 2];
const random = new RandomStream(7, "x");
const numbers = (shape: readonly number[]) => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
});
const lengths = { shape: [B], data: Int32Array.of(5, 2, 3) };
const inputs = { x: { shape: [T, B, I] }, lengths: { shape: [B], dtype: "i32" } } as const;
const x = numbers([T, B, I]);

async function run(
  layer: Recurrent,
  on?: (step: LayerStep) => Record<string, Tensor> | undefined,
  masked = false,
): Promise<StateDict> {
  const program = await runtime.compile(layer, {
    inputs,
    forward({ x, lengths }) {
      const call = () =>
        layer.forward(layer.batchFirst ? x.transpose(0, 1) : x, undefined, masked ? { lengths } : undefined);
      const { output, state } = on ? stepByStep(on, call) : call();
      const finals = Object.entries(state).flatMap(([name, one]) =>
        (Array.isArray(one) ? (one as Tensor[]) : [one]).map((part, l) => [`${name}${l}`, part] as const),
      );
      const sum = finals.reduce((total, [, part]) => total.add(part.mul(part).sum()), output.sin().sum());
      return { output, sum, ...Object.fromEntries(finals) };
    },
    seeds: ["sum"],
    parameterGradients: true,
  });
  return program.run({ x, lengths, "gradient.sum": { shape: [], data: Float64Array.of(1) } });
}

const layers: readonly (readonly [string, () => Recurrent])[] = [
  ["RNN", () => new RNN({ inputSize: I, hiddenSize: 4 })],
  ["LSTM, 2 layers", () => new LSTM({ inputSize: I, hiddenSize: 4, numLayers: 2, forgetBias: 1 })],
  [
    "LSTM with a projection",
    () => new LSTM({ inputSize: I, hiddenSize: 4, numLayers: 2, projSize: 3, peepholes: true }),
  ],
  ["GRU of two sizes", () => new GRU({ inputSize: I, hiddenSize: [4, 3], learnedInitialState: true })],
  [
    "GRU, batch first, that holds",
    () => new GRU({ inputSize: I, hiddenSize: 4, batchFirst: true, maskedOutput: "hold" }),
  ],
];

const isClose = (got: StateDict, expected: StateDict) => {
  expect(Object.keys(got)).toEqual(Object.keys(expected));
  for (const [name, { data }] of Object.entries(expected))
    data.forEach((value, i) => {
      expect(got[name]!.data[i], `${name}[${i}]`).toBeCloseTo(value, 12);
    });
};

test.each(layers)("%s: outputs, states and gradients are those of the layer as it is", async (_, make) => {
  for (const masked of [false, true]) {
    const layer = make() as Recurrent & Module;
    const expected = await run(layer, undefined, masked);
    const seen: string[] = [];
    isClose(
      await run(layer, (step) => void seen.push(`${step.layer} ${step.step} ${step.states.h!.shape}`), masked),
      expected,
    );
    expect(seen).toHaveLength(T * layer.numLayers);
    // States that are put in place of themselves go to all that reads them, the output too.
    const same = ({ states }: LayerStep) =>
      Object.fromEntries(Object.entries(states).map(([name, one]) => [name, one.add(0)]));
    isClose(await run(layer, same, masked), expected);
  }
});

test("what is put in place of h is read by the next step, by the layer above and by the output", async () => {
  const layer = new RNN({ inputSize: I, hiddenSize: 2, numLayers: 2 });
  runtime.loadStateDict(layer, {
    ...(await runtime.stateDict(layer)),
    weight_hh_l0: { shape: [2, 2], data: Float64Array.of(0, 0, 0, 0) },
  });
  const zero = ({ layer: l, states }: LayerStep) => (l === 0 ? { h: states.h!.mul(0) } : undefined);
  const { output } = await run(layer, zero);
  // The layer above reads zeros in every step, and so does not know x.
  const rows = (t: number) => [...output!.data.slice(t * B * 2, (t + 1) * B * 2)];
  for (let t = 0; t < T; t++) for (const [i, value] of rows(t).entries()) expect(value).toBe(rows(t)[i % 2]);
  const { output: last } = await run(new RNN({ inputSize: I, hiddenSize: 2 }), ({ states }) => ({
    h: states.h!.mul(0),
  }));
  expect([...last!.data]).toEqual(Array(T * B * 2).fill(0));
});

test("an h that is changed stays zero in the output of steps that the lengths pass over", async () => {
  const layer = new RNN({ inputSize: I, hiddenSize: 2 });
  const { output } = await run(layer, ({ states }) => ({ h: states.h!.add(10) }), true);
  const of = (t: number, b: number) => [...output!.data.slice((t * B + b) * 2, (t * B + b + 1) * 2)];
  expect(of(2, 1)).toEqual([0, 0]);
  expect(Math.min(...of(1, 1), ...of(4, 0))).toBeGreaterThan(8);
});

test("layers that run from the end, and training, are refused", async () => {
  const look = (layer: Recurrent, training = false) =>
    runtime.compile(layer, {
      inputs: { x: { shape: [T, B, I] } },
      forward: ({ x }) =>
        stepByStep(
          () => {},
          () => ({ y: functional.concat([layer.forward(x).output]) }),
        ),
      training,
    });
  const both = look(new RNN({ inputSize: I, hiddenSize: 2, bidirectional: true }));
  await expect(both).rejects.toThrow(OptionError);
  await expect(both).rejects.toThrow("RNN: it runs from the end");
  await expect(look(new LSTM({ inputSize: I, hiddenSize: 2, goBackwards: true }))).rejects.toThrow("one direction");
  await expect(look(new GRU({ inputSize: I, hiddenSize: 2 }), true)).rejects.toThrow("without noise");
});
