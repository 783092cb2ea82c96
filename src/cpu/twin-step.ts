import { cellNamed } from "../cells/cell.ts";
import { kernelOf, type TwinContext } from "../kernels/kernel.ts";
import type { Command, View } from "../plan/plan.ts";
import type { NumberArray } from "../tensor-data.ts";
import { twins } from "./twins.ts";

/** A command by its kernel's twin, over arrays of whatever precision. `data`: what a view shows, to the end of its buffer. */
export function twinStep(command: Command, data: (view: View) => NumberArray): () => void {
  if (command.type === "clear") {
    const to = data(command.to).subarray(0, command.to.length);
    return () => void to.fill(0);
  }
  if (command.type === "copy") {
    const from = data(command.from).subarray(0, command.to.length);
    const to = data(command.to);
    return () => to.set(from);
  }
  const kernel = kernelOf(command);
  const arrays = Object.fromEntries(kernel.bindings.map(({ name }, i) => [name, data(command.bindings[i]!)]));
  const numbers = Object.fromEntries(kernel.params.map(({ name }, i) => [name, command.params[i]!]));
  // Kernels without a cell never look at it, and neither do those without an expression.
  const context = {
    constants: command.constants,
    expression: command.expression,
    cell: command.cell === undefined ? undefined : cellNamed(command.cell),
  } as TwinContext;
  const others: Readonly<Record<string, unknown>> = twins;
  const twin = (kernel.twin ?? others[kernel.name]) as (arrays: object, numbers: object, context: TwinContext) => void;
  return () => twin(arrays, numbers, context);
}
