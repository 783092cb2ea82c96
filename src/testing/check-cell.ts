import { cellNamed, type FullCell } from "../cells/cell.ts";
import { provideCellMaths } from "../cells/cells-on-cpu.ts";
import { CellError, checkCount, checkOptions, OptionError, shown } from "../errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { Recurrent } from "../nn/recurrent.ts";
import { RandomStream } from "../random.ts";
import { Runtime } from "../runtime.ts";
import { type StateDict, sizeOf } from "../tensor-data.ts";
import { againstDifferences, inWords, type Ranges } from "./differences.ts";

provideCellMaths();

export interface CheckCellOptions {
  /** With one on a GPU or on WebAssembly, the cell's WGSL is compared with its maths on the CPU. */
  readonly runtime?: Runtime;
  /**
   * Between which numbers the random values of a state lie, by its name: `{ n: [0.5, 2] }` for a state that is never negative.
   * Default [-1, 1].
   */
  readonly states?: Ranges;
  /** Another seed draws other numbers; default 0. */
  readonly seed?: number;
}

/** What `checkCell` compared. */
export interface CellCheck {
  /** Derivatives of the maths on the CPU, against differences. */
  readonly derivatives: number;
  /** Numbers that the runtime computed by the WGSL, against the maths on the CPU; 0 where it runs the cell's twin. */
  readonly byWgsl: number;
}

const DRAWS = 3;
/** f32 against float64, over a few steps. */
const TOLERANCE = 1e-4;

function checkStates(cell: FullCell, states: Ranges): void {
  for (const [name, range] of Object.entries(states)) {
    if (!cell.states.includes(name))
      throw new OptionError(`checkCell: states has "${name}", cell "${cell.name}" has ${cell.states.join(", ")}`);
    if (!Array.isArray(range) || range.length !== 2 || !range.every(Number.isFinite) || range[0] > range[1])
      throw new OptionError(`checkCell: states.${name} is ${shown(range)}, expected [low, high]`);
  }
}

function complain(cell: FullCell, faults: readonly string[]): void {
  if (faults.length === 0) return;
  const more = faults.slice(1, 8).map((fault) => `\n  ${fault}`);
  const rest = faults.length > 8 ? `\n  and ${faults.length - 8} more` : "";
  throw new CellError(`cell "${cell.name}": ${faults[0]}${more.join("")}${rest}`);
}

/**
 * Checks that the functions of a cell belong together, in three draws of random numbers: what `backward` returns against
 * central differences of `forward` (by every gate, by R's products, by the previous state, by the learned vectors; for every
 * state), and with a runtime that computes by the WGSL this against both, a layer of it forward and backward. Write a test that calls it.
 *
 * @param cell what `defineCell` returned
 * @throws CellError that names the derivatives and numbers that are wrong: `d h / d prev.c: backward says …`, names that are
 * read and not there, or what is wrong with the WGSL; OptionError for an unknown option, or a GPU and no WGSL
 */
export async function checkCell(cell: FullCell, options: CheckCellOptions = {}): Promise<CellCheck> {
  checkOptions("checkCell", options, ["runtime", "states", "seed"]);
  if (typeof cell !== "object" || cell === null || cellNamed(cell.name) !== cell)
    throw new OptionError("checkCell: the cell is not what defineCell returned; define it first");
  const { runtime, states = {} } = options;
  const seed = checkCount("checkCell", "seed", options.seed ?? 0, 0);
  checkStates(cell, states);
  const draws = Array.from({ length: DRAWS }, (_, draw) =>
    againstDifferences(cell, new RandomStream(seed, `${cell.name} ${draw}`), states),
  );
  complain(cell, [...new Set(draws.flatMap(({ misuse }) => misuse))]);
  const wrong = inWords(draws.flatMap((draw) => draw.wrong));
  // A slot that is read and was never written makes everything wrong that depends on it.
  if (wrong.length > 0) complain(cell, [...new Set(draws.flatMap(({ left }) => left))]);
  complain(cell, wrong);
  const derivatives = draws.reduce((sum, { compared }) => sum + compared, 0);
  if (runtime === undefined || runtime.backend === "cpu") return { derivatives, byWgsl: 0 };
  const cpu = await Runtime.open({ backend: "cpu" });
  try {
    // One step of one row names the slot that is wrong; the rest is all rows of a tile, both directions, several steps.
    const first = await againstCpu(cell, [runtime, cpu], { T: 1, B: 1, H: 5, bidirectional: false }, states, seed);
    complain(cell, first.faults);
    const second = await againstCpu(cell, [runtime, cpu], { T: 3, B: 5, H: 6, bidirectional: true }, states, seed);
    complain(cell, second.faults);
    const isTwin = runtime.info().refusals?.some((refusal) => refusal.startsWith(`cell "${cell.name}" `)) ?? false;
    return { derivatives, byWgsl: isTwin ? 0 : first.compared + second.compared };
  } finally {
    cpu.dispose();
  }
}

interface Sizes {
  readonly T: number;
  readonly B: number;
  readonly H: number;
  readonly bidirectional: boolean;
}

/** Runs a layer of the cell on a runtime and on the CPU, forward and backward, on the same numbers. */
async function againstCpu(
  cell: FullCell,
  [given, cpu]: readonly [Runtime, Runtime],
  { T, B, H, bidirectional }: Sizes,
  ranges: Ranges,
  seed: number,
): Promise<{ compared: number; faults: string[] }> {
  const layer = new Recurrent({ cell, inputSize: 3, hiddenSize: H, bidirectional });
  const D = bidirectional ? 2 : 1;
  const random = new RandomStream(seed, `${cell.name} ${T}`);
  const values = (shape: readonly number[], [low, high]: readonly [number, number] = [-1, 1]) => ({
    shape,
    data: Float32Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random.next()),
  });
  const state = (name: string) => `state.${name}`;
  const inputs: StateDict = {
    x: values([T, B, 3]),
    ...Object.fromEntries(cell.states.map((s) => [state(s), values([D, B, H], ranges[s])])),
  };
  const dict = Object.fromEntries(
    Object.entries(await cpu.stateDict(layer)).map(([name, { shape }]) => [name, values(shape)]),
  );
  const outputs = ["output", ...cell.states.map((s) => `new ${state(s)}`)];
  const gradients = [values([T, B, D * H]), ...cell.states.map(() => values([D, B, H]))];
  const seeds: StateDict = Object.fromEntries(outputs.map((name, i) => [`gradient.${name}`, gradients[i]!]));
  const results: StateDict[] = [];
  for (const runtime of [given, cpu]) {
    runtime.loadStateDict(layer, dict);
    const program = await runtime.compile(layer, {
      inputs: Object.fromEntries(Object.entries(inputs).map(([name, { shape }]) => [name, { shape }])),
      forward(symbols) {
        const before = Object.fromEntries(cell.states.map((s) => [s, symbols[state(s)] as Tensor]));
        const { output, state: after } = layer.forward(symbols.x as Tensor, before);
        return { output, ...Object.fromEntries(cell.states.map((s) => [`new ${state(s)}`, after[s] as Tensor])) };
      },
      seeds: outputs,
      gradients: Object.keys(inputs),
      parameterGradients: true,
    });
    try {
      results.push(await program.run({ ...inputs, ...seeds }));
    } finally {
      program.dispose();
    }
  }
  const [got, expected] = results as [StateDict, StateDict];
  const tensors = Object.keys(expected)
    .map((name) => ({ name, ...wordsFor(cell, name) }))
    .sort((a, b) => a.rank - b.rank);
  let compared = 0;
  const faults = tensors.flatMap(({ name, say }) => {
    const { data } = expected[name]!;
    compared += data.length;
    const at = Array.from(data).findIndex((value, i) => {
      const difference = Math.abs(got[name]!.data[i]! - value);
      return !(difference <= TOLERANCE * (1 + Math.abs(value)));
    });
    if (at < 0) return [];
    const [said, right] = [got[name]!.data[at]!, data[at]!].map((value) => String(Number(value.toPrecision(6))));
    return [`${say(at, H)}: the WGSL says ${said}, the maths on the CPU ${right} (unit ${at % H})`];
  });
  return { compared, faults };
}

/** What a layer's results are in the words of the cell, and how directly they show what a fragment does: the least first. */
function wordsFor(cell: FullCell, name: string): { rank: number; say: (at: number, H: number) => string } {
  const gate = (at: number, H: number) => cell.gates[Math.floor(at / H) % cell.gates.length];
  if (name === "output") return { rank: 0, say: () => `the new ${cell.states[0]}` };
  if (name.startsWith("new state.")) return { rank: 0, say: () => `the new ${name.slice("new state.".length)}` };
  if (name.startsWith("grad.bias_ih")) return { rank: 1, say: (at, H) => `the gradient by x.${gate(at, H)}` };
  if (name.startsWith("grad.bias_hh")) return { rank: 1, say: (at, H) => `the gradient by r.${gate(at, H)}` };
  const learned = cell.learned.find((one) => name.startsWith(`grad.${one.stateName ?? one.name}_l0`));
  if (learned) return { rank: 1, say: () => `the gradient by learned.${learned.name}` };
  const state = /^grad\.state\.(.*)$/.exec(name)?.[1];
  if (state !== undefined) return { rank: 2, say: () => `the gradient by prev.${state}` };
  return { rank: 3, say: () => `the gradient by ${name.slice("grad.".length)}` };
}
