import { cellNamed, type FullCell } from "../cells/cell.ts";
import { cellPrelude } from "../cells/prelude.ts";
import { InternalError, OptionError } from "../errors.ts";
import type { Expression } from "../plan/expression.ts";
import type { Constants, Dispatch, Plan, Target, View } from "../plan/plan.ts";
import { activationsWgsl } from "../shaders/lib/activations.generated.ts";
import { rowsOwnWgsl } from "../shaders/lib/rows-own.generated.ts";
import { rowsSharedWgsl } from "../shaders/lib/rows-shared.generated.ts";
import { tilingBlockWgsl } from "../shaders/lib/tiling-block.generated.ts";
import { tilingRowWgsl } from "../shaders/lib/tiling-row.generated.ts";
import { tilingSlicesWgsl } from "../shaders/lib/tiling-slices.generated.ts";
import type { Shader } from "../shaders/shader.ts";
import { type Composed, compose } from "./compose.ts";
import type { ComposeChecks } from "./compose-checks.ts";

/** One storage buffer of a kernel; the same name, place and access stand in its WGSL file. */
export interface Binding {
  readonly name: string;
  readonly access: "read" | "read_write";
  /**
   * Element type in WGSL; the twin sees i32 as Int32Array and all else as Float64Array of single numbers. u32 are the bits of
   * either, and the twin sees what the buffer holds.
   */
  readonly type: "f32" | "i32" | "u32" | "vec4f";
  /** In the project's notation: `[T,B,H]`. */
  readonly shape: string;
}

/** One member of a kernel's uniform struct. */
export interface Param {
  readonly name: string;
  readonly type: "u32" | "i32" | "f32";
}

export type ArrayOf<Type> = Type extends "i32"
  ? Int32Array
  : Type extends "u32"
    ? Float64Array | Int32Array
    : Float64Array;
export type Arrays<B extends readonly Binding[]> = { readonly [K in B[number] as K["name"]]: ArrayOf<K["type"]> };
export type Numbers<P extends readonly Param[]> = { readonly [K in P[number] as K["name"]]: number };

/** What a kernel is compiled with. */
export interface Variant {
  readonly constants: Constants;
  readonly cell?: string;
  readonly expression?: Expression;
}

export interface TwinContext {
  readonly constants: Constants;
  /** The cell of a recurrent kernel. */
  readonly cell: FullCell;
  /** What a pointwise kernel computes. */
  readonly expression: Expression;
}

/**
 * A kernel: its WGSL file, what it binds, and its twin, the same maths in float64, as plain as the equation.
 * The uniform struct of the WGSL file has `params` first (members of nested structs one after the other, as in memory), then `<binding>Offset` (in single numbers) for every binding:
 * buffers are bound whole and kernels add the offset. The twin gets arrays that begin at the offset.
 */
export interface Kernel<
  B extends readonly Binding[] = readonly Binding[],
  P extends readonly Param[] = readonly Param[],
> {
  /** The stem of its WGSL file, or another name where kernels share one. */
  readonly name: string;
  readonly shader: Shader;
  /** What symbolic includes of its WGSL file stand for that no constant chooses. */
  readonly parts?: Readonly<Record<string, Shader>>;
  readonly bindings: B;
  readonly params: P;
  /** Every way in which the scheduler may compile it (with each cell, where it runs one): what the shader test compiles, all of
   * them within what WebGPU guarantees: 256 invocations and 16,384 bytes of workgroup memory. */
  readonly variants: readonly Constants[];
  readonly runsCell?: boolean;
  /** It computes the expression of its dispatch, which is written as this. */
  readonly expressionShader?: (expression: Expression) => Shader;
  /** Which of the variants go with a cell; default all. */
  goesWith?(constants: Constants, cell: FullCell): boolean;
  /** Absent where src/cpu/twins.ts has it. */
  twin?(arrays: Arrays<B>, numbers: Numbers<P>, context: TwinContext): void;
}

/** The type of a kernel's twin. */
export type TwinOf<K> =
  K extends Kernel<infer B, infer P> ? (arrays: Arrays<B>, numbers: Numbers<P>, context: TwinContext) => void : never;

// What kernels are made with does nothing else, so that a bundler leaves out those that nobody uses.

/** Gives a kernel its name and its types. */
/* @__NO_SIDE_EFFECTS__ */
export function defineKernel<const B extends readonly Binding[], const P extends readonly Param[]>(
  kernel: Omit<Kernel<B, P>, "name"> & { readonly name?: string },
): Kernel<B, P> {
  return { name: kernel.shader.file.replace(".wgsl", ""), ...kernel };
}

/* @__NO_SIDE_EFFECTS__ */
export const read = <const N extends string, const T extends Binding["type"]>(name: N, type: T, shape: string) =>
  ({ name, access: "read", type, shape }) as const;

/* @__NO_SIDE_EFFECTS__ */
export const readWrite = <const N extends string, const T extends Binding["type"]>(name: N, type: T, shape: string) =>
  ({ name, access: "read_write", type, shape }) as const;

/* @__NO_SIDE_EFFECTS__ */
export const u32 = <const N extends string>(...names: readonly N[]) =>
  names.map((name) => ({ name, type: "u32" }) as const);

/* @__NO_SIDE_EFFECTS__ */
export const i32 = <const N extends string>(...names: readonly N[]) =>
  names.map((name) => ({ name, type: "i32" }) as const);

/* @__NO_SIDE_EFFECTS__ */
export const f32 = <const N extends string>(...names: readonly N[]) =>
  names.map((name) => ({ name, type: "f32" }) as const);

/** Bits of a NaN. Shaders get them at run time: WGSL has no constant for it. */
export const NAN_BITS = 0x7fc00000;

/** All members of the uniform struct, in order. */
export const uniformOf = (kernel: Kernel): readonly Param[] => [
  ...kernel.params,
  ...kernel.bindings.map(({ name }): Param => ({ name: `${name}Offset`, type: "u32" })),
];

/** The variants of a kernel that the scheduler may choose for a cell. */
export const variantsFor = (kernel: Kernel, cell: FullCell): readonly Constants[] =>
  kernel.variants.filter((constants) => kernel.goesWith?.(constants, cell) ?? true);

/**
 * The WGSL of one variant of a kernel.
 * @throws OptionError when it runs a cell without WGSL, or one whose WGSL cannot be put together
 */
export function composeKernel(kernel: Kernel, variant: Variant, checks?: ComposeChecks): Composed {
  const { constants } = variant;
  if (kernel.expressionShader) {
    const { expression = [{ load: 0, by: "all", dtype: "f32" }] } = variant;
    return compose(kernel.shader, { constants, checks, parts: { EXPRESSION: kernel.expressionShader(expression) } });
  }
  const parts = { ...partsOf(constants), ...kernel.parts };
  if (variant.cell === undefined) return compose(kernel.shader, { constants, checks, parts });
  const cell = cellNamed(variant.cell);
  return compose(kernel.shader, {
    constants,
    checks,
    cell: fragmentOf(cell),
    parts: { ...parts, ...cell.parts },
    prelude: cellPrelude(cell, constants.INTERMEDIATE === true),
  });
}

/** What constants choose: which units and rows an invocation of a recurrent kernel owns, and who reads the numbers of a row. */
const partsOf = ({ ACROSS_UNITS, SLICES, SHARED }: Constants): Readonly<Record<string, Shader>> => ({
  TILING: ACROSS_UNITS === true ? tilingRowWgsl : SLICES === 1 ? tilingBlockWgsl : tilingSlicesWgsl,
  ROW_VALUES: Number(SHARED) > 1 ? rowsSharedWgsl : rowsOwnWgsl,
  ...layerByItself,
});

const nothing: Shader = { file: "", source: "", includes: [] };

/** Places of recurrent-forward and recurrent-backward in which a stack of layers has something. */
const layerByItself = { STACK: nothing, STACK_STEP: nothing, STACK_PRODUCT: nothing, STACK_OUTPUT: nothing };

/** The file that the lines of a fragment report that was given with a cell. */
export const ownFile = ({ name }: FullCell): string => `cells/${name}.wgsl`;

function fragmentOf(cell: FullCell): Shader {
  const { name, fragment } = cell;
  if (fragment === undefined) {
    throw new OptionError(
      `cell "${name}" has no WGSL, so it runs on the CPU only; give it a fragment, or open the runtime with { backend: "wasm" }`,
    );
  }
  if ("file" in fragment) return fragment;
  return { file: ownFile(cell), source: fragment.source, includes: [activationsWgsl] };
}

/** Kernels by name, from when a plan first uses them: no table names all of them, and a bundle has only what it uses. */
const known = new Map<string, Kernel>();

/** Makes a kernel known to whoever runs plans. */
export function register(kernel: Kernel): Kernel {
  known.set(kernel.name, kernel);
  return kernel;
}

/** The kernel that a plan's dispatch names. */
export function kernelOf({ kernel: name }: Pick<Dispatch, "kernel">): Kernel {
  const kernel = known.get(name);
  if (!kernel) throw new InternalError(`there is no kernel "${name}"`);
  return kernel;
}

/** Which buffers of a plan its commands write, derivations left out. */
export function writtenBy(plan: Plan): Set<number> {
  const written = new Set<number>();
  for (const command of plan.commands) {
    if (command.type !== "dispatch") written.add(command.to.buffer);
    else {
      kernelOf(command).bindings.forEach(({ access }, i) => {
        if (access === "read_write") written.add(command.bindings[i]!.buffer);
      });
    }
  }
  return written;
}

/** Makes the command that runs a kernel. */
export function dispatch<B extends readonly Binding[], P extends readonly Param[]>(
  kernel: Kernel<B, P>,
  call: {
    label: string;
    views: { readonly [K in B[number]["name"]]: View };
    params: Numbers<P>;
    constants?: Constants;
    cell?: string;
    expression?: Expression;
    grid: readonly [number, number, number];
  },
): Dispatch {
  register(kernel as unknown as Kernel);
  const views = call.views as Readonly<Record<string, View>>;
  const numbers = call.params as Readonly<Record<string, number>>;
  return {
    type: "dispatch",
    kernel: kernel.name,
    label: call.label,
    bindings: kernel.bindings.map(({ name }) => views[name]!),
    params: kernel.params.map(({ name }) => {
      const value = numbers[name];
      if (value === undefined || Number.isNaN(value))
        throw new InternalError(`kernel ${kernel.name}: param ${name} is ${value}`);
      return value;
    }),
    constants: call.constants ?? {},
    ...(call.cell !== undefined && { cell: call.cell }),
    ...(call.expression && { expression: call.expression }),
    grid: call.grid,
  };
}

/** What those who make dispatches may ask of the plan that is being built. */
export interface Scheduler {
  readonly target: Target;
  /** Scratch memory; `what` names it in the printed plan and in a LimitError. */
  scratch(what: string, length: number): View;
}

/**
 * A grid of `count` workgroups for kernels that do not loop: along x, and from the adapter's limit on along y and z too.
 * The kernel numbers them by lib/group-index.wgsl; those beyond the count have nothing to do.
 */
export function spreadGrid(count: number, limit: number): [number, number, number] {
  const x = Math.min(count, limit);
  const y = Math.min(Math.ceil(count / x), limit);
  return [x, y, Math.ceil(count / (x * y))];
}

/** A grid for `count` independent items; kernels loop when the adapter's limit is below what is needed. */
export const gridFor = (count: number, perWorkgroup: number, limit: number): [number, number, number] => [
  Math.max(1, Math.min(Math.ceil(count / perWorkgroup), limit)),
  1,
  1,
];
