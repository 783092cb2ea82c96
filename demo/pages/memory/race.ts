/** A race, step by step: which rows the networks are given, and how often they are right at each distance. */
import type { Runtime } from "webgpu-rnn";
import type { Language } from "webgpu-rnn/tasks/data";
import type { Report } from "../../shell/messages.ts";
import { type Problem, type ProblemName, problemOf } from "./problems.ts";
import { answers, type Cell, enter, type Racer, step as stepOf } from "./program.ts";

export interface Settings {
  readonly problem: ProblemName;
  /** The longest that the networks train on. */
  readonly distance: number;
  readonly language: Language;
  readonly seed: number;
}

/** The share of right answers by distance, shortest first. */
export type Standing = readonly Readonly<Record<Cell | "distance" | "chance", number>>[];

export interface Race {
  readonly problem: Problem;
  readonly racers: readonly Racer[];
  dispose(): void;
}

const rowsInBatch = 16;
const testRows = 100;
const measureEvery = 20;
/** Rows that are measured on come from other seeds than those that are trained on. */
const heldOut = 2 ** 31;

/** Distances that are trained on, and one that is longer than all of these. */
export const distancesOf = (longest: number, { shares }: Pick<Problem, "shares">) => ({
  trained: shares.map((share) => Math.max(2, Math.round(share * longest))),
  longer: Math.round(1.5 * longest),
});

export async function* run(
  runtime: Runtime,
  settings: Settings,
  keep: (race: Race) => void,
): AsyncGenerator<Report<Standing>> {
  const { distance, seed } = settings;
  const problem = problemOf(settings.problem, settings.language);
  const racers = enter(runtime, problem, seed);
  const dispose = () => {
    for (const racer of racers) racer.dispose();
  };
  keep({ problem, racers, dispose });
  const { trained, longer } = distancesOf(distance, problem);
  const { steps } = problem;
  const smooth: Record<string, number> = {};
  for (let step = 1; step <= steps; step++) {
    const rows = problem.rows(trained[step % trained.length]!, rowsInBatch, seed * 10_000 + step);
    const losses = await stepOf(racers, problem, rows);
    // Batches of all distances take turns, so that single losses jump: the chart has their running mean.
    for (const [i, { cell }] of racers.entries())
      smooth[cell] = (smooth[cell] ?? losses[i]!) * 0.95 + losses[i]! * 0.05;
    if (step % measureEvery > 0 && step < steps) {
      yield { step, steps, values: prefixed("loss", smooth) };
      continue;
    }
    const view = await standing(runtime, { problem, racers }, [...trained, longer]);
    const { distance: _, chance: __, ...asked } = view.at(-2)!;
    yield { step, steps, view, values: { ...prefixed("loss", smooth), ...prefixed("right", asked) } };
  }
}

const prefixed = (prefix: string, values: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix} ${name}`, value]));

async function standing(
  runtime: Runtime,
  { problem, racers }: Omit<Race, "dispose">,
  distances: readonly number[],
): Promise<Standing> {
  const found: Standing[number][] = [];
  for (const distance of distances) {
    const rows = problem.rows(distance, testRows, heldOut + distance);
    const right: Record<string, number> = {};
    for (const racer of racers) {
      const said = await answers(runtime, racer, problem, rows);
      const marks = said.flatMap((all, row) => all.map((one, a) => problem.isRight(one, rows[row]!.target[a]!)));
      right[racer.cell] = marks.filter(Boolean).length / marks.length;
    }
    found.push({ ...(right as Record<Cell, number>), distance, chance: problem.chance });
  }
  return found;
}

/** A row of its own for the reader, and what each network says to it. */
export async function example(
  { problem, racers }: Race,
  asked: { distance: number; example: number },
  runtime: Runtime,
) {
  const rows = problem.rows(asked.distance, 1, heldOut + 1_000_000 + asked.example);
  const { steps, target } = rows[0]!;
  const said = await Promise.all(racers.map((racer) => answers(runtime, racer, problem, rows)));
  return {
    steps,
    target: target.map(problem.shown),
    answers: racers.map(({ cell }, i) => ({
      cell,
      said: said[i]![0]!.map((one, a) => ({ shown: problem.shown(one), isRight: problem.isRight(one, target[a]!) })),
    })),
  };
}
