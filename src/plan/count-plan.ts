import { bytesOf } from "../tensor-data.ts";
import { type Command, type Plan, type Role, roles } from "./plan.ts";

/** Exact counts of a plan: the currency in which its speed is kept. */
export interface PlanCounts {
  readonly dispatches: number;
  readonly copies: number;
  readonly clears: number;
  /** Commands that compute what is derived from weights: in a replay after these have changed, and not counted above. */
  readonly derivations: number;
  /** Dispatches by kernel name. */
  readonly perKernel: Readonly<Record<string, number>>;
  /** Bytes on the device by role. */
  readonly bytes: Readonly<Record<Role, number>>;
  readonly totalBytes: number;
}

/** Counts a plan's commands and memory. */
export function countPlan(plan: Plan): PlanCounts {
  const perKernel: Record<string, number> = {};
  const bytes = Object.fromEntries(roles.map((role) => [role, 0])) as Record<Role, number>;
  for (const { role, dtype, length } of plan.buffers) bytes[role] += length * bytesOf(dtype);
  for (const command of plan.commands) {
    if (command.type === "dispatch") perKernel[command.kernel] = (perKernel[command.kernel] ?? 0) + 1;
  }
  const ofType = (type: Command["type"]) => plan.commands.filter((command) => command.type === type).length;
  return {
    dispatches: ofType("dispatch"),
    copies: ofType("copy"),
    clears: ofType("clear"),
    derivations: (plan.derivations ?? []).flatMap(({ commands }) => commands).length,
    perKernel,
    bytes,
    totalBytes: Object.values(bytes).reduce((a, b) => a + b, 0),
  };
}
