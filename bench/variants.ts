import { type Chosen, questionKey, runsOn, variantsOf } from "../src/kernels/choose-variant.ts";
import type { Dispatch, Plan, Target, VariantChoice } from "../src/plan/plan.ts";
import { partOf } from "../src/tuning/plan-part.ts";
import { type CaseMaker, kernelCases } from "./kernels.ts";
import type { KernelCase } from "./measure.ts";
import { type PlanMaker, planMakers } from "./plans.ts";

/** The dispatches of a plan and of what is derived for it. */
const dispatchesOf = ({ commands, derivations = [] }: Plan): Dispatch[] =>
  [...derivations.flatMap((derivation) => derivation.commands), ...commands].filter(
    (command) => command.type === "dispatch",
  );

/**
 * What bears a label in a plan, with memory of its own. Whole numbers are 1 or as many as there are, so that they are valid as indices,
 * labels and lengths; no other number is negative. Without commands where nothing bears it: a variant that does several steps at once is
 * another work than one step.
 */
function caseOf(name: string, plan: Plan, label: string): KernelCase {
  const own = dispatchesOf(plan).filter((command) => command.label === label);
  const { buffers, commands } = partOf({ ...plan, commands: own }, new Set([label]));
  return {
    name,
    buffers: buffers.map((spec) => (spec.initial ? spec : { ...spec, role: "state" })),
    commands: commands as Dispatch[],
    flops: 0,
    inSum: own.some(({ kernel }) => kernel === "norm-partial"),
    numbers: ({ length, dtype, ...spec }) =>
      dtype === "i32"
        ? new Int32Array(length).fill((spec as { readonly fill?: number }).fill || 1)
        : Float32Array.from({ length }, (_, i) => ((i * 7919) % 1009) / 2018),
  };
}

/** What can be chosen for a kernel bears its name or that of its family, as "scan" for scan-forward, and is of its way. */
function isAbout(kernel: string, { kernel: choice, shape }: VariantChoice): boolean {
  if (shape.back !== undefined && (shape.back === 1) !== kernel.includes("backward")) return false;
  return kernel.startsWith(choice === "recurrent-stack" ? choice : choice.split("-")[0]!);
}

/** Kernels that the cases of kernels.ts have, in many shapes. */
const COVERED = ["matmul", "matmul-tiled", "recurrent-forward", "recurrent-backward"];

/** What a case is of: its kernel, to tell which choices are about it. */
export interface Subject {
  readonly name: string;
  readonly kernel: string;
  readonly make: CaseMaker;
}

/** Makes each plan once: many kernels are taken from one. */
function once(makePlan: PlanMaker): PlanMaker {
  const made = new Map<string, Promise<{ readonly plan: Plan; readonly choices: readonly VariantChoice[] }>>();
  return async ({ onChoice, ...target }) => {
    const key = JSON.stringify(target.tuned ?? {});
    const make = async () => {
      const choices: VariantChoice[] = [];
      return { plan: await makePlan({ ...target, onChoice: (choice) => choices.push(choice) }), choices };
    };
    const known = made.get(key) ?? make();
    made.set(key, known);
    const { plan, choices } = await known;
    for (const choice of choices) onChoice?.(choice);
    return plan;
  };
}

/** Every kernel once, from the first plan that has it. */
export async function kernelsOfPlans(target: Target): Promise<Subject[]> {
  const found = new Map<string, Subject>();
  for (const [title, maker] of Object.entries<PlanMaker>(planMakers)) {
    const makePlan = once(maker);
    for (const { kernel, label } of dispatchesOf(await makePlan(target))) {
      if (found.has(kernel) || COVERED.includes(kernel)) continue;
      const name = `${kernel} of ${title}`;
      found.set(kernel, { name, kernel, make: async (to) => caseOf(name, await makePlan(to), label) });
    }
  }
  return [...found.values()];
}

/** The products and steps in many shapes, of LSTM and GRU alone, and every other kernel once. */
export async function subjectsOf(target: Target): Promise<Subject[]> {
  const inShapes: Subject[] = [];
  for (const make of kernelCases()) {
    const { name, commands } = await make(target);
    if (name.includes(" step ") && !/^(LSTM|GRU)\b/i.test(name)) continue;
    inShapes.push({ name, kernel: commands[0]!.kernel, make });
  }
  return [...inShapes, ...(await kernelsOfPlans(target))];
}

/** A case in every variant that this machine runs, the one first that is chosen without being told. */
export async function allVariants({ kernel, make }: Subject, target: Target): Promise<KernelCase[]> {
  const branches = async (tuned: Readonly<Record<string, unknown>>): Promise<KernelCase[]> => {
    const asked = new Map<string, VariantChoice>();
    const onChoice = (choice: VariantChoice) => asked.set(questionKey(choice.kernel, choice.shape), choice);
    const made = await make({ ...target, tuned, onChoice });
    const open = [...asked].find(([key, choice]) => !Object.hasOwn(tuned, key) && isAbout(kernel, choice));
    if (!open) return [made];
    const [key, choice] = open;
    const variants = variantsOf(choice.kernel as Chosen).filter((variant) => runsOn(target, variant));
    const all = [];
    for (const variant of variants) all.push(...(await branches({ ...tuned, [key]: variant })));
    return all;
  };
  const unique = new Map<string, KernelCase>();
  // Without an answer that is tuned, the built-in choices.
  for (const one of [await make(target), ...(await branches({}))]) {
    const text = JSON.stringify(one.commands);
    if (one.commands.length > 0 && !unique.has(text)) unique.set(text, one);
  }
  return [...unique.values()];
}
