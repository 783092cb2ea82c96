import { checkOptions, OptionError, ShapeError, shown } from "../errors.ts";
import { buildPlan } from "../graph/build-plan.ts";
import { provideCommands } from "../graph/commands.ts";
import { functionCommands } from "../graph/function-commands.ts";
import { layoutParameters } from "../graph/parameter-layout.ts";
import { inputTensor, type Tensor } from "../graph/tensor.ts";
import { leavesOf } from "../graph/trace.ts";
import { countPlan, type PlanCounts } from "../plan/count-plan.ts";
import { defaultTarget, type Plan } from "../plan/plan.ts";
import { showBytes } from "../plan/print-plan.ts";
import {
  bytesOf,
  checkAxes,
  type DType,
  dtypeOf,
  type Shape,
  showShape,
  sizeOf,
  type TensorData,
} from "../tensor-data.ts";
import { type Module, modulesOf, namePaths, parameterCount, parameterGroups } from "./module.ts";

/** A shape (of numbers, f32), a shape with its element type, or a tensor of a batch. */
export type SummaryInput = Shape | { readonly shape: Shape; readonly dtype?: DType } | TensorData;

/** One call of a module, or a module that no call reaches. */
export interface SummaryRow {
  /** Its path in the model, such as `encoder.rnn`; empty for the model. */
  readonly path: string;
  /** Its class, such as `GRU`. */
  readonly type: string;
  /** How deep the call is nested; 0 for the model. */
  readonly depth: number;
  /** "again" from a module's second call on: its parameters and dispatches stand in the row of the first one. */
  readonly called: "once" | "again" | "never";
  /** Shapes of what it returned by name; one tensor alone has the name "". */
  readonly outputs: Readonly<Record<string, Shape>>;
  /** Bytes of these. */
  readonly outputBytes: number;
  /** Numbers that it and its parts learn, shared ones counted once. */
  readonly parameters: number;
  /** Dispatches of all its calls, and of its parts. What `forward` itself computes with functions is the model's only. */
  readonly dispatches: number;
}

/** What `summary` found; as text it is a table. */
export interface Summary {
  /** In the order of calls, each module before what it calls; then what is never called. */
  readonly rows: readonly SummaryRow[];
  /** How many numbers the model learns. */
  readonly parameters: number;
  /** Of the plan of one forward pass: dispatches by kernel, bytes by role. */
  readonly counts: PlanCounts;
  toString(): string;
}

/**
 * What a model is made of and what one forward pass costs, layer by layer, as torchinfo's `summary`. Traces the model once, and
 * plans the pass for a GPU with WebGPU's default limits; nothing runs and no GPU is needed.
 *
 * @param inputs what `forward` gets by name, as for `runtime.compile`: one input named `x` as the tensor itself, anything else
 *   as a record. The `x` of a batch will do.
 * @throws ShapeError or OptionError where the model does not take these inputs, LimitError for what no device holds
 */
export function summary(model: Module, inputs: Readonly<Record<string, SummaryInput>>): Summary {
  const given = inputTensors(inputs);
  const modules = modulesOf(model);
  const paths = new Map<Module, string>([[model, ""]]);
  for (const [path, module] of modules) if (!paths.has(module)) paths.set(module, path);
  // Names are part of a plan's labels; those of a model that a runtime has taken up are given back afterwards.
  const restore = keepNames([...modules.values()], parameterGroups(model).flat());
  const { calls, unwatch } = watchCalls(paths);
  try {
    namePaths(model);
    const result = (model.forward as (x: unknown) => unknown)(given);
    const plan = planOf(model, result);
    const counts = countPlan(plan);
    const rows = rowsOf(paths, calls, dispatchesByPath(plan, [...paths.values()]), counts.dispatches);
    const parameters = parameterCount(model);
    return { rows, parameters, counts, toString: () => printed(rows, parameters, counts) };
  } finally {
    unwatch();
    restore();
  }
}

function inputTensors(inputs: Readonly<Record<string, SummaryInput>>): Tensor | Readonly<Record<string, Tensor>> {
  if (typeof inputs !== "object" || inputs === null || Object.keys(inputs).length === 0)
    throw new OptionError(
      `summary: inputs are ${shown(inputs)}, expected a shape for each, such as { x: [16, 8, 40] }`,
    );
  const tensors: Record<string, Tensor> = {};
  for (const [name, input] of Object.entries(inputs)) {
    const { shape, dtype } = specOf(name, input);
    checkAxes(`summary: input "${name}"`, shape);
    tensors[name] = inputTensor(`input ${name}`, shape, dtype);
  }
  const { x, ...others } = tensors;
  return x && Object.keys(others).length === 0 ? x : tensors;
}

function specOf(name: string, input: SummaryInput): { shape: Shape; dtype: DType } {
  if (Array.isArray(input)) return { shape: input, dtype: "f32" };
  if (!Array.isArray((input as TensorData | undefined)?.shape))
    throw new OptionError(
      `summary: input "${name}" is ${shown(input)}, expected a shape such as [16, 8], { shape, dtype } or a tensor`,
    );
  if ("data" in input) return { shape: input.shape, dtype: dtypeOf(input.data) };
  checkOptions(`summary: input "${name}"`, input, ["shape", "dtype"]);
  const { shape, dtype = "f32" } = input as { readonly shape: Shape; readonly dtype?: DType };
  if (dtype !== "f32" && dtype !== "i32")
    throw new OptionError(`summary: input "${name}" has dtype ${shown(dtype)}, expected "f32" or "i32"`);
  return { shape, dtype };
}

function keepNames(modules: readonly Module[], parameters: readonly { name: string }[]): () => void {
  const before = modules.map((module) => module.path);
  const names = parameters.map(({ name }) => name);
  return () => {
    for (const [i, module] of modules.entries()) module.path = before[i]!;
    for (const [i, parameter] of parameters.entries()) parameter.name = names[i]!;
  };
}

interface Call {
  readonly module: Module;
  readonly depth: number;
  result: unknown;
}

/** Notes every call of a module's `forward` from now on, in the order in which they begin. */
function watchCalls(modules: ReadonlyMap<Module, string>): { calls: readonly Call[]; unwatch(): void } {
  const calls: Call[] = [];
  let depth = 0;
  const undo = [...modules.keys()].map((module) => {
    const own = Object.getOwnPropertyDescriptor(module, "forward");
    const forward = module.forward as (...given: unknown[]) => unknown;
    const watched = (...given: unknown[]): unknown => {
      const call: Call = { module, depth: depth++, result: undefined };
      calls.push(call);
      try {
        call.result = forward.apply(module, given);
        return call.result;
      } finally {
        depth--;
      }
    };
    Object.defineProperty(module, "forward", { value: watched, configurable: true, writable: true });
    return () => {
      if (own) Object.defineProperty(module, "forward", own);
      else Reflect.deleteProperty(module, "forward");
    };
  });
  return {
    calls,
    unwatch() {
      for (const one of undo) one();
    },
  };
}

/** The plan of one pass: of what the model puts out besides its state, where there is anything. */
function planOf(model: Module, result: unknown): Plan {
  const leaves = [...leavesOf(result)];
  if (leaves.length === 0)
    throw new ShapeError(`summary: ${model.constructor.name}.forward returned ${shown(result)}, expected tensors`);
  provideCommands(functionCommands);
  const besidesState = leaves.filter(([name]) => !/^state(\.|$)/.test(name));
  const outputs = (besidesState.length > 0 ? besidesState : leaves).map(([name, tensor]) => [`output ${name}`, tensor]);
  return buildPlan({
    name: "forward",
    target: defaultTarget,
    layout: layoutParameters(parameterGroups(model), defaultTarget.maxBufferSize),
    outputs: Object.fromEntries(outputs),
  });
}

/** Dispatches whose label begins with a path, for the longest such path; and so for all paths that it lies below. */
function dispatchesByPath(plan: Plan, paths: readonly string[]): ReadonlyMap<string, number> {
  const counted = new Map<string, number>();
  for (const command of plan.commands) {
    if (command.type !== "dispatch") continue;
    for (const path of paths)
      if (path !== "" && isBelow(command.label, path)) counted.set(path, (counted.get(path) ?? 0) + 1);
  }
  return counted;
}

/** `rnn`, `rnn step 3` and `rnn.l0 gates` are labels of `rnn`. */
const isBelow = (label: string, path: string): boolean =>
  label.startsWith(path) && (label.length === path.length || label[path.length] === "." || label[path.length] === " ");

function rowsOf(
  paths: ReadonlyMap<Module, string>,
  calls: readonly Call[],
  dispatches: ReadonlyMap<string, number>,
  all: number,
): SummaryRow[] {
  const seen = new Set<Module>();
  const rows = calls.map(({ module, depth, result }): SummaryRow => {
    const path = paths.get(module)!;
    const outputs = leavesOf(result);
    const isFirst = !seen.has(module);
    seen.add(module);
    const outputBytes = [...outputs.values()].reduce(
      (sum, { shape, dtype }) => sum + sizeOf(shape) * bytesOf(dtype),
      0,
    );
    return {
      path,
      type: module.constructor.name,
      depth,
      called: isFirst ? "once" : "again",
      outputs: Object.fromEntries([...outputs].map(([name, { shape }]) => [name, shape])),
      outputBytes,
      parameters: isFirst ? parameterCount(module) : 0,
      dispatches: !isFirst ? 0 : path === "" ? all : (dispatches.get(path) ?? 0),
    };
  });
  const called = [...seen].map((module) => paths.get(module)!);
  const never: string[] = [];
  for (const [module, path] of paths) {
    if (seen.has(module) || parameterCount(module) === 0) continue;
    // A container that is not called itself has parts that are, and what lies in an uncalled one is not named again.
    if (called.some((one) => isBelow(one, path)) || never.some((one) => isBelow(path, one))) continue;
    never.push(path);
    rows.push({
      path,
      type: module.constructor.name,
      depth: 1,
      called: "never",
      outputs: {},
      outputBytes: 0,
      parameters: parameterCount(module),
      dispatches: 0,
    });
  }
  return rows;
}

const grouped = (n: number): string => n.toLocaleString("en-US");

function printed(rows: readonly SummaryRow[], parameters: number, counts: PlanCounts): string {
  const titles = ["Layer", "Output", "Parameters", "Dispatches", "Output bytes"];
  const lines = rows.map(({ path, type, depth, called, outputs, outputBytes, ...row }) => {
    const name = `${"  ".repeat(depth)}${path === "" ? type : `${path}: ${type}`}`;
    if (called === "never") return [name, "never called", grouped(row.parameters), "", ""];
    const shapes = Object.entries(outputs).map(([output, shape]) => `${output} ${showShape(shape)}`.trim());
    const own = called === "again" ? ["again", "again"] : [grouped(row.parameters), grouped(row.dispatches)];
    return [name, shapes.join(", "), ...own, showBytes(outputBytes)];
  });
  const widths = titles.map((title, i) =>
    Math.max(...[title, ...lines.map((line) => line[i]!)].map(({ length }) => length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  const rule = "-".repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  const roles = Object.entries(counts.bytes).filter(([, bytes]) => bytes > 0);
  const memory = roles.map(([role, bytes]) => `${role} ${showBytes(bytes)}`).join(", ");
  return [
    line(titles),
    rule,
    ...lines.map(line),
    rule,
    `${grouped(parameters)} parameters; one forward pass: ${grouped(counts.dispatches)} dispatches, memory ${showBytes(counts.totalBytes)} (${memory})`,
  ].join("\n");
}
