/** One run of a model of the reader's own, on every backend there is. */
import { countPlan, type Module, printPlan, Runtime, type StateDict, Tensor, type TensorData } from "webgpu-rnn";

/** A model that a file holds. */
export interface OwnModel {
  /** What goes in: made-up numbers and tokens by name. */
  readonly inputs: Readonly<Record<string, TensorData>>;
  /** The model with the file's weights, on a runtime. */
  open(runtime: Runtime): Promise<Module>;
}

/** Milliseconds that runs are measured for, on each backend. */
const MEASURED = 150;

/** What a model returns as tensors by name; what lies deeper by its path. */
function leaves(value: unknown, path = "output"): [string, Tensor][] {
  if (value instanceof Tensor) return [[path, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => leaves(part, path === "output" ? name : `${path}.${name}`));
}

/** Compiles the model and runs it again and again on the same inputs. */
async function runOn(runtime: Runtime, { inputs, open }: OwnModel) {
  const model = await open(runtime);
  const program = await runtime.compile(model, {
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, data }]) => [
        name,
        { shape, dtype: data instanceof Int32Array ? "i32" : "f32" } as const,
      ]),
    ),
    // A single input, x, is given as it is. An output may not bear the name of an input.
    forward: (given) => {
      const { x, ...others } = given;
      const found = leaves(model.forward((x && Object.keys(others).length === 0 ? x : given) as never));
      return Object.fromEntries(found.map(([name, x]) => [name in inputs ? `${name} (out)` : name, x]));
    },
  });
  const outputs: StateDict = await program.run(inputs);
  // The first run warmed it up. Clocks of browsers are coarse: many runs are measured together.
  const began = performance.now();
  let runs = 0;
  do {
    await program.run(inputs);
    runs++;
  } while (performance.now() - began < MEASURED);
  const milliseconds = (performance.now() - began) / runs;
  const { plan } = program;
  return {
    outputs,
    milliseconds,
    plan,
    text: printPlan(plan, runtime),
    counts: countPlan(plan),
    memory: runtime.memory(),
  };
}

/** The twins in float64 first: what the others are compared with. */
export async function* compare(own: OwnModel, backends: readonly ("cpu" | "wasm" | "gpu")[] = ["cpu", "wasm", "gpu"]) {
  for (const backend of backends) {
    let runtime: Runtime | undefined;
    try {
      runtime = await Runtime.open({ backend });
    } catch (error) {
      yield { backend, why: (error as Error).message };
      continue;
    }
    try {
      yield { backend, info: runtime.info(), ran: await runOn(runtime, own) };
    } finally {
      runtime.dispose();
    }
  }
}

/** The largest difference of any two numbers. */
export function largestDifference(a: StateDict, b: StateDict): number {
  let largest = 0;
  for (const [name, { data }] of Object.entries(a))
    data.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(value - b[name]!.data[i]!));
    });
  return largest;
}
