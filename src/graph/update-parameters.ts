import { finishNorm, normGroups, partialNorm } from "../kernels/norm.ts";
import type { Dispatch, Role, Target, View } from "../plan/plan.ts";
import { type Emitter, part } from "./op.ts";
import { type ParameterLayout, pageName } from "./parameter-layout.ts";

/** How the scheduler has an optimizer update parameters that lie side by side. */
export interface Update {
  /** Slots for numbers that it keeps for each parameter, and which of them are in use. */
  readonly moments: readonly boolean[];
  /** Length of the buffer `hyper` of each group, which the host writes before each step. */
  readonly hyperLength: number;
  readonly clipNorm: number | undefined;
  readonly clipValue: number | undefined;
  /** The group that a parameter is in; default 0. */
  groupOf?(parameter: object): number;
  command(
    target: Target,
    /** How many parameters. */
    P: number,
    clipValue: number | undefined,
    /** A slot of moments that is not in use has something to bind that nobody reads. */
    views: { parameter: View; gradient: View; norm: View; hyper: View; moments: readonly View[] },
    group: number,
  ): Dispatch;
}

/** The parameters of the plan that is being built, after its backward pass. */
export interface LearnedParameters extends Pick<Emitter, "target" | "emit" | "scratch" | "view"> {
  readonly layout: ParameterLayout;
  /** Parameters that have a gradient in this plan. */
  readonly learned: ReadonlySet<object>;
  /** The buffer of this name, made at the first call. */
  shared(name: string, role: Role, length: number): View;
}

/** Names of the buffers that a training's plans share, beside those of the pages. */
export const trainingName = {
  hyper: (group: number) => (group === 0 ? "hyper" : `hyper ${group}`),
  /** Input `[1]`: 0 in the first replay of a step, 1 in the others. */
  keep: "keep",
  /** What the gradients of a step weigh together. */
  weight: "accumulated weight",
  accumulated: (page: number) => `accumulated gradients ${page}`,
  average: (page: number) => `average ${page}`,
  /** Input `[2]`: how much of the average is kept, and how much of the weights comes in. */
  averaging: "averaging",
};

interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly group: number;
}

/**
 * Pages with parameters that are in a group, and the stretches where those of one group lie side by side. The others are left
 * alone, as in torch, where an optimizer passes over what has no gradient: no decay, no momentum. What fills up a page counts to
 * the parameter before it.
 */
export function stretchesIn({ places, pages }: ParameterLayout, groupOf: (parameter: object) => number | undefined) {
  return pages.flatMap((length, page) => {
    const here = [...places].filter(([, place]) => place.page === page).sort(([, a], [, b]) => a.offset - b.offset);
    const stretches: { from: number; to: number; group: number }[] = [];
    here.forEach(([parameter, { offset }], i) => {
      const group = groupOf(parameter);
      if (group === undefined) return;
      const to = here[i + 1]?.[1].offset ?? length;
      const last = stretches.at(-1);
      if (last?.to === offset && last.group === group) last.to = to;
      else stretches.push({ from: offset, to, group });
    });
    return stretches.length > 0 ? [{ page, length, stretches: stretches as readonly Stretch[] }] : [];
  });
}

/** The model's plans share the memory of gradients: what this plan has none for holds those of another one. */
export function clearOtherGradients(e: LearnedParameters): void {
  for (const { page, length, stretches } of stretchesIn(e.layout, (one) => (e.learned.has(one) ? 0 : undefined))) {
    const gradient = e.shared(pageName.gradient(page), "gradient", length);
    const clear = (from: number, to: number) => {
      if (to > from) e.emit({ type: "clear", label: "no gradient", to: part(gradient, from, to - from) });
    };
    let end = 0;
    for (const { from, to } of stretches) {
      clear(end, from);
      end = to;
    }
    clear(end, length);
  }
}

/** The gradient's norm over all parameters, which with the clipping factor is the output "norm"; then the optimizer on each stretch. */
export function updateParameters(e: LearnedParameters, update: Update): void {
  const views = (page: number, length: number, { from, to, group }: Stretch) => {
    const stretch = (name: string, role: Role) => part(e.shared(name, role, length), from, to - from);
    return {
      group,
      P: to - from,
      parameter: stretch(pageName.parameter(page), "parameter"),
      gradient: stretch(pageName.gradient(page), "gradient"),
      moments: update.moments.map((isUsed, slot) =>
        isUsed ? stretch(pageName.moments(page, slot), "moment") : e.scratch("unused", 4),
      ),
    };
  };
  const stretchesOf = (groupOf: (parameter: object) => number) =>
    stretchesIn(e.layout, (parameter) => (e.learned.has(parameter) ? groupOf(parameter) : undefined));
  const all = stretchesOf(() => 0);
  const groups = all.flatMap(({ stretches }) => stretches.map(({ from, to }) => normGroups(to - from, e.target)));
  const N = groups.reduce((a, b) => a + b, 0);
  const partial = e.scratch("gradient norm parts", N);
  const norm = e.shared("norm", "output", 2);
  const { clipNorm, clipValue, groupOf = () => 0 } = update;
  let at = 0;
  for (const { page, length, stretches } of all) {
    const whole = e.shared(pageName.gradient(page), "gradient", length);
    for (const { from, to } of stretches) {
      const P = to - from;
      const count = normGroups(P, e.target);
      const gradient = part(whole, from, P);
      e.emit(partialNorm(e.target, { P, clipValue }, { gradient, partial: part(partial, at, count) }));
      at += count;
    }
  }
  e.emit(finishNorm({ N, clipNorm }, { partial, norm }));
  for (const { page, length, stretches } of stretchesOf(groupOf)) {
    for (const stretch of stretches) {
      const { group, P, ...of } = views(page, length, stretch);
      const hyper = e.shared(trainingName.hyper(group), "input", update.hyperLength);
      e.emit(update.command(e.target, P, clipValue, { ...of, norm, hyper }, group));
    }
  }
}
