import { serve } from "../../shell/training-worker.ts";
import { type ExampleKind, examples, type Made } from "./examples.ts";
import type { Reader } from "./file.ts";
import { compare, largestDifference } from "./program.ts";
import { lastOf, type Measured, pictureOf, type Ran, type View } from "./view.ts";

export interface Settings {
  /** The reader's; without it the example is made. */
  readonly file: File | undefined;
  readonly example: ExampleKind;
  readonly steps: number;
  readonly seed: number;
}

/** A kind of file is a line here, by the end of its name, and a module in readers/. */
const readers: readonly (readonly [RegExp, () => Promise<{ readonly default: Reader }>])[] = [
  [/\.onnx$/i, () => import("./readers/onnx.ts")],
  [/\.(pt|pth|bin|ckpt)$/i, () => import("./readers/pytorch.ts")],
  [/(?:)/, () => import("./readers/safetensors.ts")],
];

/** Numbers in weights, times steps: with more, twins in float64 would take longer than a reader waits. */
const MOST_FOR_TWINS = 2e7;

export const questions = { saved: (made: Made) => made };

export default serve(async function* (runtime, { file, example, steps, seed }: Settings, keep: (made: Made) => void) {
  let step = 0;
  let made: Made;
  if (file) made = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
  else {
    const making = examples[example](runtime, seed);
    let next = await making.next();
    for (; !next.done; next = await making.next()) {
      step = next.value.step;
      yield { ...next.value, view: undefined as View | undefined };
    }
    made = next.value;
  }
  keep(made);
  const { name, bytes } = made;
  const [, load] = readers.find(([end]) => end.test(name))!;
  const reader = await load();
  const { facts, model } = await reader.default(bytes, { name, seed, steps });
  const shapes = (tensors: object) =>
    Object.entries(tensors).map(([key, { shape }]) => ({ name: key, shape: [...shape] as number[] }));
  let view: View = { facts, ...(model && { inputs: shapes(model.inputs) }), measured: [] };
  // One for what the file says, and one for each backend.
  const all = step + 1 + (model ? 3 : 0);
  yield { step: ++step, steps: all, view };
  if (!model) return;

  let first: Ran | undefined;
  const add = (measured: Measured) => {
    view = { ...view, measured: [...view.measured, measured] };
    return { step: ++step, steps: all, view };
  };
  const size = facts.tensors.reduce((sum, { shape }) => sum + shape.reduce((product, n) => product * n, 1), 0);
  const isLarge = size * steps > MOST_FOR_TWINS;
  if (isLarge) yield add({ backend: "cpu", why: "large" });
  for await (const found of compare(model, isLarge ? ["wasm", "gpu"] : undefined)) {
    if (!found.ran) yield add(found);
    else {
      const { backend, info, ran } = found;
      if (!first) view = { ...view, outputs: shapes(ran.outputs) };
      const { milliseconds, counts, text, plan, memory } = ran;
      yield add({
        ...{
          backend,
          info,
          milliseconds,
          counts,
          text,
          memory: memory.roles,
          picture: pictureOf(plan),
          last: lastOf(ran.outputs),
        },
        ...(first && { difference: largestDifference(first.outputs, ran.outputs) }),
      });
      first ??= ran;
    }
  }
}, questions);
