/** Gradients of any piece of a model: the plan's on the CPU against finite differences of its own forward, other backends' against the CPU's. */
import "./all-commands.ts";
import { beforeEach, describe, expect, test } from "vitest";
import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { GpuBackend } from "../../src/gpu/gpu-backend.ts";
import { Module, type Tensor } from "../../src/index.ts";
import { Program } from "../../src/infer/program.ts";
import { Weights } from "../../src/nn/weights.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { type StateDict, sizeOf } from "../../src/tensor-data.ts";
import { differences, Numbers } from "./against-twin.ts";
import type { TestBackends } from "./backends.ts";

export type Inputs = Readonly<Record<string, Tensor>>;

interface Input {
  readonly shape: readonly number[];
  /** Makes it i32: tokens from 0 to `below - 1`. */
  readonly below?: number;
  /** Makes it i32 with these numbers: lengths, masks. */
  readonly integers?: readonly number[];
  /** Makes it f32 with these numbers, where any numbers would stand on a kink. */
  readonly floats?: readonly number[];
}

export interface GradientCase {
  readonly name: string;
  readonly model: Module;
  /** f32 inputs are differentiated by. */
  readonly inputs: Readonly<Record<string, Input>>;
  forward(inputs: Inputs): Readonly<Record<string, Tensor>>;
  /** Outputs that get a gradient; default all of them. */
  readonly seeds?: readonly string[];
  /** Traced for training, with noise drawn from this seed. */
  readonly training?: number;
}

/** A model that is no more than its parts. */
export class Parts extends Module {
  constructor(parts: Readonly<Record<string, Module>>) {
    super();
    Object.assign(this, parts);
  }
  forward(): void {}
}

export const only = (part: Module): Module => new Parts({ part });

const isInteger = ({ below, integers }: Input) => below !== undefined || integers !== undefined;

interface Run {
  readonly program: Program;
  readonly weights: Weights;
}

async function compile(
  backend: Backend,
  { model, inputs, forward, seeds, training }: GradientCase,
  gradients: boolean,
): Promise<Run> {
  const weights = new Weights(backend, model, 3);
  const names = Object.keys(inputs).filter((name) => !isInteger(inputs[name]!));
  let outputs: readonly string[] = [];
  const options = {
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, input]) => [
        name,
        { shape: input.shape, dtype: isInteger(input) ? "i32" : "f32" } as const,
      ]),
    ),
    forward(symbols: Inputs) {
      const made = forward(symbols);
      outputs = seeds ?? Object.keys(made);
      return made;
    },
    training: training !== undefined,
  };
  const plain = await Program.compile(backend, weights, options);
  if (!gradients) return { program: plain, weights };
  plain.dispose();
  const program = await Program.compile(backend, weights, {
    ...options,
    seeds: outputs,
    gradients: names,
    parameterGradients: true,
  });
  return { program, weights };
}

/** Values of the inputs in float64, and gradients of the outputs. */
function valuesOf(
  { name, inputs, training }: GradientCase,
  outputs: StateDict,
  seeds: readonly string[],
): { x: StateDict; dy: StateDict } {
  const numbers = new Numbers(name);
  const values = (shape: readonly number[]) => ({ shape, data: Float64Array.from(numbers.floats(sizeOf(shape))) });
  const x: StateDict = Object.fromEntries(
    Object.entries(inputs).map(([input, { shape, below, integers, floats }]) => {
      if (integers) return [input, { shape, data: Int32Array.from(integers) }];
      if (floats) return [input, { shape, data: Float64Array.from(floats) }];
      return [
        input,
        below === undefined ? values(shape) : { shape, data: numbers.integers(sizeOf(shape), 0, below - 1) },
      ];
    }),
  );
  if (training !== undefined) x.seed = { shape: [1], data: Int32Array.of(training) };
  const dy = Object.fromEntries(seeds.map((output) => [`gradient.${output}`, values(outputs[output]!.shape)]));
  return { x, dy };
}

async function prepared(given: GradientCase): Promise<{ x: StateDict; dy: StateDict; plain: Run }> {
  const plain = await compile(new CpuBackend(), given, false);
  const { x } = valuesOf(given, {}, []);
  const outputs = await plain.program.run(x);
  return { ...valuesOf(given, outputs, given.seeds ?? Object.keys(outputs)), plain };
}

/** d(sum of dy·y) / d(tensor[i]) for these i, by central differences. */
async function differencesBy(
  tensor: Float64Array,
  chosen: readonly number[],
  measure: () => Promise<number>,
  accept: () => void,
): Promise<Float64Array> {
  const step = 4e-6;
  const result = new Float64Array(chosen.length);
  for (const [at, i] of chosen.entries()) {
    const value = tensor[i]!;
    const moveTo = async (moved: number) => {
      tensor[i] = moved;
      accept();
      return measure();
    };
    result[at] = ((await moveTo(value + step)) - (await moveTo(value - step))) / (2 * step);
    tensor[i] = value;
  }
  accept();
  return result;
}

/** All places of a tensor, or as many as are asked for, drawn from the case's name. */
function placesOf(name: string, length: number, most: number): number[] {
  const all = Array.from({ length }, (_, i) => i);
  if (length <= most) return all;
  const numbers = new Numbers(`places of ${name}`);
  return Array.from({ length: most }, () => all.splice(numbers.integers(1, 0, all.length - 1)[0]!, 1)[0]!);
}

async function againstDifferences(given: GradientCase, most: number): Promise<void> {
  const { x, dy, plain } = await prepared(given);
  const { program } = await compile(new CpuBackend(), given, true);
  const analytic = await program.run({ ...x, ...dy });
  const dict = await plain.weights.stateDict();
  const measure = async () => {
    const y = await plain.program.run(x);
    return Object.entries(dy).reduce((sum, [name, { data }]) => {
      const output = y[name.slice("gradient.".length)]!.data;
      return sum + Array.from(data, (g, i) => g * output[i]!).reduce((s, product) => s + product, 0);
    }, 0);
  };
  const tensors = [
    ...Object.entries(x).filter(([, { data }]) => !(data instanceof Int32Array)),
    ...Object.entries(dict),
  ];
  const gradients = Object.keys(analytic).filter((name) => name.startsWith("grad."));
  expect(gradients.sort()).toEqual(tensors.map(([name]) => `grad.${name}`).sort());
  for (const [name, { data }] of tensors) {
    const accept = name in dict ? () => plain.weights.load(dict) : () => {};
    const chosen = placesOf(`${given.name} ${name}`, data.length, most);
    const expected = await differencesBy(data as Float64Array, chosen, measure, accept);
    const got = Float64Array.from(chosen, (i) => analytic[`grad.${name}`]!.data[i]!);
    const faults = differences(`${name} at ${chosen}`, { before: undefined, expected, got }, 2e-8);
    expect(faults.slice(0, 3)).toEqual([]);
  }
}

export async function againstCpu(backends: readonly Backend[], given: GradientCase): Promise<void> {
  const { x, dy } = await prepared(given);
  const results = [];
  for (const backend of [new CpuBackend(), ...backends]) {
    const { program, weights } = await compile(backend, given, true);
    results.push(await program.run({ ...x, ...dy }));
    program.dispose();
    weights.dispose();
  }
  const [expected, ...all] = results as [StateDict, ...StateDict[]];
  for (const got of all) {
    expect(Object.keys(got)).toEqual(Object.keys(expected));
    for (const [name, { data }] of Object.entries(expected)) {
      expect(differences(name, { before: undefined, expected: data, got: got[name]!.data }, 2e-5)).toEqual([]);
    }
  }
}

interface TestedCases {
  readonly cases: readonly GradientCase[];
  /**
   * Cases with too many numbers for differences, and enough for every kind of tile: they are compared between
   * backends only.
   */
  readonly large?: readonly GradientCase[];
  /**
   * For files with many cases that differ little: differences by at most 12 numbers of each tensor, and every other case on
   * the GPU as for a software adapter, the others as for a real one. Most of the time goes into compiling.
   */
  readonly sampled?: boolean;
}

/** Makes the tests of these cases. */
export function testGradients(
  { gpu, wasm, found }: TestBackends,
  { cases, large = [], sampled = false }: TestedCases,
): void {
  const named = (some: readonly GradientCase[]) => some.map((given) => [given.name, given] as const);
  describe("on the CPU, against central differences in float64", () => {
    test.each(named(cases))("%s", (_, given) => againstDifferences(given, sampled ? 12 : Number.POSITIVE_INFINITY));
  });
  const all = named([...cases, ...large]);
  const asWhat = [
    ["a software adapter", true, 0],
    ["a real GPU", false, 1],
  ] as const;
  describe.each(asWhat)("on the GPU, scheduled for %s, against the CPU", (_, software, turn) => {
    beforeEach((context) => context.skip(!gpu, found.reason));
    test.each(sampled ? all.filter((__, i) => i % 2 === turn) : all)("%s", (__, given) =>
      againstCpu([new GpuBackend(gpu!.device, { software })], given),
    );
  });
  describe("on wasm, against the CPU", () => {
    test.each(all)("%s", (_, given) => againstCpu([wasm], given));
  });
}
