import { bytesOf } from "../tensor-data.ts";
import type { RunsOf } from "./backend.ts";
import { countPlan } from "./count-plan.ts";
import { formulaOf } from "./expression.ts";
import type { Command, Plan, View } from "./plan.ts";

/** Bytes for people: `1.5 MiB`. */
export function showBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

/** Commands that differ only in the step that they work on print as one line with a count. */
const shapeOf = (command: Command): string =>
  command.type === "dispatch"
    ? `${command.kernel}|${command.label.replace(/\d+/g, "#")}|${command.grid.join("x")}|${JSON.stringify(command.constants)}|${JSON.stringify(command.expression ?? [])}`
    : `${command.type}|${command.label.replace(/\d+/g, "#")}`;

/**
 * A plan as text: its buffers, its commands with grids, and totals. Runs of alike commands are folded.
 * @param on the runtime that it is for: on WebAssembly the text says which dispatches are native and which are left to twins
 */
export function printPlan(plan: Plan, on: { readonly runs?: RunsOf | undefined } = {}): string {
  const { runs } = on;
  const lines: string[] = [`plan "${plan.name}"`, "", "buffers"];
  for (const { name, role, dtype, length } of plan.buffers)
    lines.push(`  ${role.padEnd(9)} ${showBytes(length * bytesOf(dtype)).padStart(10)}  ${dtype}  ${name}`);
  const show = (view: View) => plan.buffers[view.buffer]!.name + (view.offset ? `+${view.offset}` : "");
  const sizeOf = ({ buffer, length }: View) => showBytes(length * bytesOf(plan.buffers[buffer]!.dtype));
  const typeOf = (command: Command) => command.type.padEnd(10) + (runs ? (runs(command) ?? "").padEnd(8) : "");
  const describe = (command: Command): string => {
    if (command.type === "copy")
      return `${command.label}: ${show(command.from)} -> ${show(command.to)} (${sizeOf(command.to)})`;
    if (command.type === "clear") return `${command.label}: ${show(command.to)} (${sizeOf(command.to)})`;
    const cell = command.cell ? `<${command.cell}>` : "";
    const formula = command.expression ? ` = ${formulaOf(command.expression)}` : "";
    return `${command.label}: ${command.kernel}${cell}${formula} [${command.grid.join("x")}] (${[...new Set(command.bindings.map(show))].join(", ")})`;
  };
  const alike = (a: Command, b: Command) => shapeOf(a) === shapeOf(b) && runs?.(a) === runs?.(b);
  const list = (title: string, commands: readonly Command[]) => {
    lines.push("", title);
    for (let i = 0; i < commands.length; ) {
      const first = commands[i]!;
      let run = 1;
      while (i + run < commands.length && alike(commands[i + run]!, first)) run++;
      lines.push(`  ${(run > 1 ? `${run} x` : "").padStart(6)} ${typeOf(first)}${describe(first)}`);
      i += run;
    }
  };
  const derivations = (plan.derivations ?? []).flatMap(({ commands }) => commands);
  if (derivations.length > 0) list("when the weights have changed", derivations);
  list("commands", plan.commands);
  const counts = countPlan(plan);
  lines.push("", "totals", `  ${counts.dispatches} dispatches, ${counts.copies} copies, ${counts.clears} clears`);
  for (const [kernel, n] of Object.entries(counts.perKernel)) lines.push(`  ${String(n).padStart(6)} x ${kernel}`);
  if (runs) {
    const ways = plan.commands.map(runs);
    const [natives, twins] = ["native", "twin"].map((way) => ways.filter((one) => one === way).length);
    lines.push(`  ${natives} native, ${twins} by twins`);
  }
  const roles = Object.entries(counts.bytes).filter(([, bytes]) => bytes > 0);
  lines.push(
    `  memory ${showBytes(counts.totalBytes)}: ${roles.map(([role, bytes]) => `${role} ${showBytes(bytes)}`).join(", ")}`,
  );
  return lines.join("\n");
}
