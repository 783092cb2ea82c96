import { checkCount, checkNumber, checkOptions, RandomStream, type TensorData } from "../../index.ts";

/**
 * The share of steps in training whose input is the true text; in the others the model reads what it says itself. A number, or a
 * share that goes from one to another in so many updates, in a straight line.
 */
export type TeacherForcing = number | { readonly from: number; readonly to: number; readonly steps: number };

/** @throws OptionError */
export function checkTeacherForcing(who: string, given: TeacherForcing): TeacherForcing {
  const what = `${who}: teacherForcing`;
  if (typeof given === "number") return checkNumber(who, "teacherForcing", given, 0, 1);
  checkOptions(what, given, ["from", "to", "steps"]);
  for (const name of ["from", "to"] as const) checkNumber(what, name, given[name], 0, 1);
  checkCount(what, "steps", given.steps);
  return given;
}

/** The share at a training step, the first is 0. */
export function shareAt(given: TeacherForcing, step: number): number {
  if (typeof given === "number") return given;
  const { from, to, steps } = given;
  return from + (to - from) * Math.min(1, step / steps);
}

/**
 * Scheduled sampling (Bengio, Vinyals, Jaitly and Shazeer, NeurIPS 2015): which steps of a batch read the truth, 1, and which what
 * the model says, 0. Drawn for each step of each sequence by itself. What the model says is its likeliest unit after the true ones
 * before, as in parallel scheduled sampling (Duckworth, Neelakantan, Goodrich, Kaiser and Bengio, 2019, arXiv:1906.04331) with one
 * pass: so all steps are still computed together.
 * @param before tokens `[T,B]` @param share from 0 to 1
 */
export function drawnTruth({ shape }: TensorData, share: number, seed: number, step: number): TensorData {
  const random = new RandomStream(seed, `teacher forcing ${step}`);
  const [T, B] = shape as readonly [number, number];
  // The begin token is nobody's guess.
  return { shape, data: Int32Array.from({ length: T * B }, (_, i) => (i < B || random.next() < share ? 1 : 0)) };
}
