/** What the measurements say, as numbers; undefined until there is what it takes. */
import { medianOf } from "../../../bench/rounds.ts";
import { base, few, flopsOf, isNetwork, many, type NetworkTask, type Task } from "./tasks.ts";
import type { Result } from "./worker.ts";

export type Size = "T" | "B" | "H";

/** Those of one kind in which nothing but one size differs from the base, smallest first. */
export function sweep(results: readonly Result[], kind: NetworkTask["kind"], size: Size) {
  const usual = { ...base, ...(kind === "stream" && { T: 1 }) };
  return results
    .filter((result): result is Result & NetworkTask => isNetwork(result) && result.kind === kind)
    .filter((one) => (["T", "B", "H"] as const).every((name) => name === size || one[name] === usual[name]))
    .flatMap((one) => (one.times ? [{ size: one[size], milliseconds: one.times.median, flops: flopsOf(one) }] : []))
    .sort((a, b) => a.size - b.size);
}

/** How many times as long the largest takes as the smallest. @param from the smallest, where that is not the first */
export function growthOf(results: readonly Result[], kind: NetworkTask["kind"], size: Size, from = 0) {
  const all = sweep(results, kind, size).filter((one) => one.size >= from);
  const [first, last] = [all[0], all.at(-1)];
  if (!first || !last || first === last) return undefined;
  return {
    from: first.size,
    to: last.size,
    time: last.milliseconds / first.milliseconds,
    flops: last.flops / first.flops,
  };
}

const timeOf = (results: readonly Result[], is: (task: Task) => boolean): number | undefined =>
  results.find(is)?.times?.median;

/** Milliseconds. */
export const timeAtBase = (results: readonly Result[], kind: NetworkTask["kind"], changed: Partial<NetworkTask> = {}) =>
  timeOf(results, (task) => {
    const wanted: Partial<NetworkTask> = { kind, ...base, ...(kind === "stream" && { T: 1 }), ...changed };
    return isNetwork(task) && Object.entries(wanted).every(([name, value]) => task[name as Size] === value);
  });

/** Dispatches of a submit: W·x, the step of the layer, the head. */
const inSubmit = 3;

/**
 * Milliseconds: of a call that computes next to nothing, and of what it consists of: a submit, a dispatch in it, and the way of the
 * result back to the program.
 */
export function overheads(results: readonly Result[]) {
  const tiny = (kind: "product" | "submit", count: number) =>
    timeOf(results, (task) => task.kind === kind && task.count === count && (task.kind === "submit" || task.N === 4));
  const [call, dispatches, submit, submits] = [
    ...[tiny("product", few), tiny("product", many)],
    ...[tiny("submit", few), tiny("submit", many)],
  ];
  if (call === undefined || dispatches === undefined || submit === undefined || submits === undefined) return undefined;
  const each = (one: number, all: number) => Math.max(0, (all - one) / (many - few));
  const dispatch = each(call, dispatches);
  const onlySubmit = Math.max(0, each(submit, submits) - inSubmit * dispatch);
  return { call, dispatch, submit: onlySubmit, readBack: Math.max(0, call - onlySubmit - dispatch) };
}

/** The middle half of a measurement's rounds, as a share of their median: of the measurement that is in the middle by that. */
export function typicalSpread(results: readonly Result[]): number | undefined {
  const spreads = results.flatMap(({ times }) => (times ? [(times.high - times.low) / times.median] : []));
  return spreads.length > 0 ? medianOf(spreads) : undefined;
}
