import type { Command, Plan, Role } from "./plan.ts";

/** Exact counts of a plan: the currency in which its speed is kept. */
export interface PlanCounts {
  readonly dispatches: number;
  readonly copies: number;
  readonly clears: number;
  /** Dispatches by kernel name. */
  readonly perKernel: Readonly<Record<string, number>>;
  /** Bytes on the device by role. */
  readonly bytes: Readonly<Record<Role, number>>;
  readonly totalBytes: number;
}

/** Counts a plan's commands and memory. */
export function countPlan(plan: Plan): PlanCounts {
  const perKernel: Record<string, number> = {};
  const bytes: Record<Role, number> = { parameter: 0, gradient: 0, state: 0, input: 0, output: 0, scratch: 0 };
  for (const buffer of plan.buffers) bytes[buffer.role] += buffer.length * 4;
  for (const command of plan.commands) {
    if (command.type === "dispatch") perKernel[command.kernel] = (perKernel[command.kernel] ?? 0) + 1;
  }
  const ofType = (type: Command["type"]) => plan.commands.filter((command) => command.type === type).length;
  return {
    dispatches: ofType("dispatch"),
    copies: ofType("copy"),
    clears: ofType("clear"),
    perKernel,
    bytes,
    totalBytes: Object.values(bytes).reduce((a, b) => a + b, 0),
  };
}
