import { InternalError } from "../errors.ts";
import type { View } from "../plan/plan.ts";
import type { Shape } from "../tensor-data.ts";
import { nodesBefore } from "./dependencies.ts";
import type { Emitter, Op } from "./op.ts";
import type { recurrentCommands as ofRecurrent } from "./ops/recurrent-commands.ts";
import type { Node, Tensor } from "./tensor.ts";

// Ops of functions of tensors: every bundle has them, because tensors have them as methods, but few plans. So what emits their
// commands, with kernels and shaders, is loaded when a graph has such an op, after it was traced and before its plan is built.

/** What emits the commands of an op. */
export interface Commands<A = unknown, S = unknown> {
  forward(node: Node & { readonly attributes: A }, e: Emitter): S;
  backward?(node: Node & { readonly attributes: A }, e: Emitter, saved: S): void;
}

/** A gradient that is to be multiplied by one number. */
export interface ScaledGradient {
  readonly label: string;
  readonly from: View;
  /** One number. */
  readonly by: View;
  readonly shape: Shape;
  readonly to: View;
  readonly accumulate: boolean;
}

export interface CommandTable {
  /** By the ops' names. */
  readonly ops: Readonly<Record<string, Commands>>;
  scaleGradient(e: Emitter, call: ScaledGradient): void;
  readonly recurrent: typeof ofRecurrent;
}

let table: CommandTable | undefined;

function commandsOf({ name }: Op): Commands {
  const commands = table?.ops[name];
  if (!commands) throw new InternalError(`the commands of ${name} are not loaded`);
  return commands;
}

/** For the gradient of a loss that something else is made of. */
export function scaleGradient(e: Emitter, call: ScaledGradient): void {
  if (!table) throw new InternalError(`${call.label}: the commands of functions are not loaded`);
  table.scaleGradient(e, call);
}

/** The same, where it is loaded. */
export const loadedCommands = (): typeof ofRecurrent | undefined => table?.recurrent;

/** What recurrent layers load on demand; only for those whose op says that it does. */
export function recurrentCommands(): typeof ofRecurrent {
  if (!table) throw new InternalError("the commands of recurrent layers are not loaded");
  return table.recurrent;
}

/** An op whose commands are loaded on demand. */
export function onDemand<A, S = unknown>(
  name: string,
  { hasGradient = true, ...rest }: { readonly hasGradient?: boolean } & Partial<Op<A, S>> = {},
): Op<A, S> {
  const op: Op = {
    ...(rest as Partial<Op>),
    name,
    isOnDemand: true,
    forward: (node, e) => commandsOf(op).forward(node, e),
    ...(hasGradient && {
      backward: (node: Node, e: Emitter, saved: unknown) => commandsOf(op).backward!(node, e, saved),
    }),
  };
  return op as Op<A, S>;
}

/** Makes commands known: for those who build plans without waiting. */
export function provideCommands(all: CommandTable): void {
  table = all;
}

/** Loads what the plan of these tensors needs. */
export async function loadCommands(ends: Iterable<Tensor>): Promise<void> {
  // A loss of which something else is made has a gradient that is multiplied by that of the other.
  const isLoss = (tensor: Tensor | undefined) => tensor?.node?.op.startsGradient === true;
  if (table || !nodesBefore(ends).some(({ op, inputs }) => op.isOnDemand || inputs.some(isLoss))) return;
  provideCommands((await import("./function-commands.ts")).functionCommands);
}
