import { checkNumber, checkOptions, checkSwitch, OptionError, shown, shownNames } from "../errors.ts";
import type { Update } from "../graph/update-parameters.ts";
import type { NamedPart } from "../nn/module.ts";
import type { Optimizer } from "./optimizers.ts";
import { updateOf } from "./update-of.ts";

/** Parameters that are trained otherwise than the optimizer says, or not at all. */
export interface ParameterGroup {
  /**
   * Which parameters, by their names in the state dict: a name or the path of a module, `encoder` for all below it; or a pattern
   * that is found anywhere in a name.
   */
  readonly match: string | RegExp;
  /** In place of the optimizer's; the schedule multiplies it too. */
  readonly lr?: number;
  /** In place of the optimizer's. */
  readonly weightDecay?: number;
  /** Neither gradient nor update; default false. */
  readonly freeze?: boolean;
}

const FROZEN = -1;

/** Which parameters are trained how: with the optimizer, in group 0, or with a variant of it, one for each group. */
export class ParameterGroups {
  /** By group. */
  readonly optimizers: readonly Optimizer[];
  readonly #groups: ReadonlyMap<object, number>;

  /**
   * @param parts of the model
   * @throws OptionError for an unknown option, a bad value, a group that is empty, that matches a part of a parameter only, or
   *   that freezes all there is
   */
  constructor(optimizer: Optimizer, parts: readonly NamedPart[], groups: readonly ParameterGroup[] = []) {
    if (!Array.isArray(groups))
      throw new OptionError(
        `trainer: groups are ${shown(groups)}, expected a list such as [{ match: "encoder", lr: 1e-4 }]`,
      );
    const found = new Map<object, number>();
    this.optimizers = [optimizer, ...groups.map((group, i) => withOptions(optimizer, group, `groups[${i}]`))];
    groups.forEach((group, i) => {
      const what = `trainer: groups[${i}] (${group.match})`;
      const matched = parametersIn(what, parts, group.match);
      const free = [...matched].filter((parameter) => !found.has(parameter));
      if (free.length === 0) {
        const names = shownNames(parts.map(({ name }) => name));
        const why = matched.size === 0 ? "matches no parameter" : "matches only parameters that a group before it has";
        throw new OptionError(`${what} ${why}; the model has ${names}`);
      }
      for (const parameter of free) found.set(parameter, group.freeze ? FROZEN : i + 1);
    });
    if (parts.length > 0 && parts.every(({ parameter }) => found.get(parameter) === FROZEN))
      throw new OptionError("trainer: the groups freeze all parameters, so there is nothing to train");
    this.#groups = found;
  }

  isLearned(parameter: object): boolean {
    return this.#groups.get(parameter) !== FROZEN;
  }

  /** What a plan runs on the parameters that it has gradients for. */
  update(clip: { readonly clipNorm?: number | undefined; readonly clipValue?: number | undefined }): Update {
    const updates = this.optimizers.map((optimizer) => updateOf(optimizer, clip));
    return {
      ...updates[0]!,
      groupOf: (parameter) => this.#groups.get(parameter) ?? 0,
      command: (target, P, clipValue, views, group) => updates[group]!.command(target, P, clipValue, views, group),
    };
  }
}

function withOptions(optimizer: Optimizer, group: ParameterGroup, what: string): Optimizer {
  checkOptions(`trainer: ${what}`, group, ["match", "lr", "weightDecay", "freeze"]);
  const { match, lr, weightDecay, freeze } = group;
  if (typeof match !== "string" && !(match instanceof RegExp))
    throw new OptionError(`trainer: ${what}.match is ${shown(match)}, expected a name, a module's path or a RegExp`);
  if (freeze !== undefined) checkSwitch("trainer", `${what}.freeze`, freeze);
  if (lr !== undefined) checkNumber("trainer", `${what}.lr`, lr, 0);
  if (weightDecay !== undefined) {
    checkNumber("trainer", `${what}.weightDecay`, weightDecay, 0);
    if (!("weightDecay" in optimizer.options))
      throw new OptionError(`trainer: ${what} has a weightDecay, and ${optimizer.name} has none`);
  }
  return {
    ...optimizer,
    lr: lr ?? optimizer.lr,
    params: weightDecay === undefined ? optimizer.params : { ...optimizer.params, weightDecay },
  };
}

/** The parameters of which every part matches, under any of its names. */
function parametersIn(what: string, parts: readonly NamedPart[], match: string | RegExp): Set<object> {
  // A pattern that remembers where it was (flags g and y) would find every second name.
  const pattern = typeof match === "string" ? undefined : new RegExp(match.source, match.flags.replace(/[gy]/g, ""));
  const fits = (name: string) => pattern?.test(name) ?? (name === match || name.startsWith(`${match}.`));
  const matched = new Set(parts.filter(({ name }) => fits(name)).map(({ parameter }) => parameter));
  for (const { name, parameter, offset } of parts) {
    if (!matched.has(parameter)) continue;
    const names = parts.filter((one) => one.parameter === parameter && one.offset === offset).map((one) => one.name);
    if (!names.some(fits)) {
      const other = parts.find((one) => one.parameter === parameter && fits(one.name))!;
      throw new OptionError(
        `${what} matches ${other.name} and not ${name}, which are one parameter in memory; match both or neither`,
      );
    }
  }
  return matched;
}
