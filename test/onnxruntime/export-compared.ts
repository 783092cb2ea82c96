/** A model run here, on the twins, by ONNX Runtime from its exported file, and here again from that file. */
import { createRequire } from "node:module";
import { expect } from "vitest";
import { Module, RandomStream, Runtime, type Shape, type StateDict, type Tensor } from "../../src/index.ts";
import { type ExportOnnxOptions, exportOnnx, importOnnx, inspectOnnx } from "../../src/onnx/index.ts";

interface RuntimeTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}
/** What is used of onnxruntime-node, whose types are there only where it is installed. */
interface Package {
  readonly InferenceSession: {
    create(
      model: Uint8Array,
      options: object,
    ): Promise<{ run(feeds: Record<string, RuntimeTensor>): Promise<Record<string, RuntimeTensor>> }>;
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => RuntimeTensor;
}
const { InferenceSession, Tensor: OrtTensor } = createRequire(import.meta.url)("onnxruntime-node") as Package;

export const TOLERANCE = 1e-5;

/** What random numbers an input takes: whole ones below this, or f32. */
export type Below = Readonly<Record<string, number>>;

export interface Compared extends Omit<ExportOnnxOptions, "weights"> {
  /** Lengths of the open axes in each run. */
  readonly sizes?: readonly Readonly<Record<string, number>>[];
  readonly below?: Below;
  /** Given instead of random numbers. */
  readonly given?: (name: string, sizes: Readonly<Record<string, number>>) => number[] | undefined;
  /** How often a model with states is called, from the states that it returned. */
  readonly calls?: number;
}

/** `state.h` → { h }, `state.0` → [ ]. */
function treeOf(leaves: ReadonlyMap<string, unknown>): unknown {
  if (leaves.size === 0) return undefined;
  const own = leaves.get("");
  if (own !== undefined) return own;
  const groups = new Map<string, Map<string, unknown>>();
  for (const [path, leaf] of leaves) {
    const [head = "", ...rest] = path.split(".");
    groups.set(head, (groups.get(head) ?? new Map()).set(rest.join("."), leaf));
  }
  const entries = [...groups].map(([head, inner]) => [head, treeOf(inner)] as const);
  return entries.every(([head]) => /^\d+$/.test(head)) ? entries.map(([, leaf]) => leaf) : Object.fromEntries(entries);
}

const pathOf = (name: string): string => name.replace(/^(state|next)\.?/, "");

/** Compares both for every size and call; gives the operators of the file. */
export async function compare(model: Module, { sizes = [{}], below = {}, given, calls = 3, ...options }: Compared) {
  const runtime = await Runtime.open({ backend: "cpu" });
  try {
    runtime.initialize(model, { seed: 3 });
    const weights = await runtime.stateDict(model);
    const file = exportOnnx(model, { weights, ...options });
    const { operators, inputs, outputs } = inspectOnnx(file);
    const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
    const stateful = outputs.filter(({ name }) => /^next(\.|$)/.test(name));
    for (const [run, bound] of sizes.entries()) {
      const random = new RandomStream(run, "inputs");
      const shapeOf = (shape: readonly (number | string)[]): Shape =>
        shape.map((axis) => (typeof axis === "string" ? bound[axis]! : axis));
      const specs = inputs.map(({ name, shape, type }) => ({ name, shape: shapeOf(shape!), whole: type === "INT32" }));
      const draw = ({ name, shape, whole }: (typeof specs)[number]) => {
        const numbers = given?.(name, bound);
        const length = shape.reduce((product, n) => product * n, 1);
        const values =
          numbers ??
          Array.from({ length }, () => (whole ? Math.floor(random.next() * (below[name] ?? 2)) : random.normal()));
        return { shape, data: whole ? Int32Array.from(values) : Float32Array.from(values) };
      };
      const call = (all: Readonly<Record<string, Tensor>>) => {
        const own = Object.fromEntries(Object.entries(all).filter(([name]) => options.inputs[name]));
        const states = new Map(
          Object.entries(all).flatMap(([name, tensor]) => (options.inputs[name] ? [] : [[pathOf(name), tensor]])),
        );
        const [only] = Object.values(own);
        const x = Object.keys(own).length === 1 && own.x ? only : own;
        const forward = (options.forward ?? model.forward.bind(model)) as (
          x: unknown,
          state?: unknown,
        ) => Record<string, unknown>;
        const { state, ...rest } = forward(options.forward ? own : x, treeOf(states));
        const found: Record<string, Tensor> = {};
        const collect = (tree: unknown, path: string): void => {
          if (tree === undefined || tree === null || typeof tree !== "object") return;
          if ("dtype" in tree) found[path] = tree as Tensor;
          else for (const [key, value] of Object.entries(tree)) collect(value, path ? `${path}.${key}` : key);
        };
        collect(rest, "");
        if (stateful.length > 0) collect(state, "next");
        return found;
      };
      const program = await runtime.compile(model, {
        inputs: Object.fromEntries(
          specs.map(({ name, shape, whole }) => [name, { shape, dtype: whole ? "i32" : "f32" }]),
        ),
        forward: call,
      });
      const imported = importOnnx(file);
      const again = await runtime.compile(imported, {
        inputs: Object.fromEntries(
          specs.map(({ name, shape, whole }) => [name, { shape, dtype: whole ? "i32" : "f32" }]),
        ),
        forward: (all) => imported.forward(all),
      });
      let states: StateDict = {};
      for (let i = 0; i < (stateful.length > 0 ? calls : 1); i++) {
        const feeds: StateDict = Object.fromEntries(specs.map((spec) => [spec.name, states[spec.name] ?? draw(spec)]));
        const ours = await program.run(feeds);
        const theirs = await session.run(
          Object.fromEntries(
            Object.entries(feeds).map(([name, { shape, data }]) => [
              name,
              data instanceof Int32Array
                ? new OrtTensor("int32", data, shape)
                : new OrtTensor("float32", data as Float32Array, shape),
            ]),
          ),
        );
        expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
        const back = await again.run(feeds);
        for (const [name, { shape, data }] of Object.entries(ours)) {
          const other = theirs[name]!;
          expect(other.dims, name).toEqual(shape);
          expect(back[name]!.shape, name).toEqual(shape);
          const difference = Math.max(
            ...Array.from(data, (value, at) =>
              Object.is(value, back[name]!.data[at])
                ? 0
                : Math.abs(value - back[name]!.data[at]!) / Math.max(1, Math.abs(value)),
            ),
          );
          expect(difference, `${name}, imported, of ${JSON.stringify(bound)}, call ${i}`).toBeLessThan(TOLERANCE);
          const worst = Math.max(
            ...Array.from(data, (value, at) => {
              const one = Number(other.data[at]);
              return Object.is(value, one) ? 0 : Math.abs(value - one) / Math.max(1, Math.abs(value));
            }),
          );
          expect(worst, `${name} of ${JSON.stringify(bound)}, call ${i}`).toBeLessThan(TOLERANCE);
        }
        states = Object.fromEntries(
          stateful.map(({ name }) => [
            name.replace(/^next/, "state"),
            { shape: ours[name]!.shape, data: Float32Array.from(ours[name]!.data) },
          ]),
        );
      }
      program.dispose();
      again.dispose();
    }
    return operators;
  } finally {
    runtime.dispose();
  }
}

type Inputs = Readonly<Record<string, Tensor>>;
/** A function as a model. */
export class Of extends Module {
  readonly of: (inputs: Inputs) => unknown;
  constructor(of: (inputs: Inputs) => unknown) {
    super();
    this.of = of;
  }
  forward(inputs: Inputs) {
    return this.of(inputs);
  }
}
