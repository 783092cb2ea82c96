import { finishNorm, normGroups, partialNorm } from "../kernels/norm.ts";
import type { Dispatch, Role, Target, View } from "../plan/plan.ts";
import { type Emitter, part } from "./op.ts";
import { type ParameterLayout, pageName } from "./parameter-layout.ts";

/** How the scheduler has an optimizer update parameters that lie side by side. */
export interface Update {
  /** Slots for numbers that it keeps for each parameter, and which of them are in use. */
  readonly moments: readonly boolean[];
  /** Length of the buffer `hyper`, which the host writes before each step. */
  readonly hyperLength: number;
  readonly clipNorm: number | undefined;
  readonly clipValue: number | undefined;
  command(
    target: Target,
    /** How many parameters. */
    P: number,
    clipValue: number | undefined,
    /** A slot of moments that is not in use has something to bind that nobody reads. */
    views: { parameter: View; gradient: View; norm: View; hyper: View; moments: readonly View[] },
  ): Dispatch;
}

/** The parameters of the plan that is being built, after its backward pass. */
export interface LearnedParameters extends Pick<Emitter, "target" | "emit" | "scratch"> {
  readonly layout: ParameterLayout;
  /** Parameters that have a gradient in this plan. */
  readonly learned: ReadonlySet<object>;
  /** The buffer of this name, made at the first call. */
  shared(name: string, role: Role, length: number): View;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * Pages with parameters that have a gradient in this plan, and the stretches where these lie. The others are left alone, as in
 * torch, where an optimizer passes over what has none: no decay, no momentum. What fills up a page counts to the parameter
 * before it.
 */
function learnedPages({ layout: { places, pages }, learned }: LearnedParameters) {
  return pages.flatMap((length, page) => {
    const here = [...places].filter(([, place]) => place.page === page).sort(([, a], [, b]) => a.offset - b.offset);
    const stretches: { from: number; to: number }[] = [];
    here.forEach(([parameter, { offset }], i) => {
      if (!learned.has(parameter)) return;
      const to = here[i + 1]?.[1].offset ?? length;
      if (stretches.at(-1)?.to === offset) stretches.at(-1)!.to = to;
      else stretches.push({ from: offset, to });
    });
    return stretches.length > 0 ? [{ page, length, stretches: stretches as readonly Stretch[] }] : [];
  });
}

/** The model's plans share the memory of gradients: what this plan has none for holds those of another one. */
export function clearOtherGradients(e: LearnedParameters): void {
  for (const { page, length, stretches } of learnedPages(e)) {
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

/** The gradient's norm over all parameters, then the optimizer on each stretch of them. */
export function updateParameters(e: LearnedParameters, update: Update): void {
  const stretches = learnedPages(e).flatMap(({ page, length, stretches: ofPage }) => {
    const of = (role: "parameter" | "gradient") => e.shared(pageName[role](page), role, length);
    const [parameter, gradient] = [of("parameter"), of("gradient")];
    const moments = update.moments.map((isUsed, slot) =>
      isUsed ? e.shared(pageName.moments(page, slot), "moment", length) : undefined,
    );
    return ofPage.map(({ from, to }) => {
      const stretch = (view: View) => part(view, from, to - from);
      return {
        P: to - from,
        parameter: stretch(parameter),
        gradient: stretch(gradient),
        moments: moments.map((moment) => (moment ? stretch(moment) : e.scratch("unused", 4))),
      };
    });
  });
  const groups = stretches.map(({ P }) => normGroups(P, e.target));
  const N = groups.reduce((a, b) => a + b, 0);
  const partial = e.scratch("gradient norm parts", N);
  const norm = e.shared("norm", "output", 2);
  const hyper = e.shared("hyper", "input", update.hyperLength);
  const { clipNorm, clipValue } = update;
  let at = 0;
  stretches.forEach(({ P, gradient }, i) => {
    e.emit(partialNorm(e.target, { P, clipValue }, { gradient, partial: part(partial, at, groups[i]!) }));
    at += groups[i]!;
  });
  e.emit(finishNorm({ N, clipNorm }, { partial, norm }));
  for (const { P, parameter, gradient, moments } of stretches)
    e.emit(update.command(e.target, P, clipValue, { parameter, gradient, moments, norm, hyper }));
}
