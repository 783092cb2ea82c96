import type { Allocation } from "./backend.ts";

/** Bytes in use on a device. */
export interface MemoryReport {
  readonly bytes: number;
  /** By what it is for: "parameter", "derived", "gradient", "moment", "state", "scratch", … */
  readonly roles: Readonly<Record<string, number>>;
  /** By model, and within it by part: its weights, trainers, sessions, and each loaded plan with its shapes. */
  readonly models: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly parts: Readonly<Record<string, number>>;
  }[];
}

/** Adds up what is allocated. */
export function memoryReport(allocations: Iterable<Allocation>): MemoryReport {
  const roles: Record<string, number> = {};
  const models = new Map<string, Record<string, number>>();
  let total = 0;
  for (const { role, bytes, owner } of allocations) {
    total += bytes;
    roles[role] = (roles[role] ?? 0) + bytes;
    if (owner.model === undefined) continue;
    const parts = models.get(owner.model) ?? {};
    parts[owner.part] = (parts[owner.part] ?? 0) + bytes;
    models.set(owner.model, parts);
  }
  const sum = (parts: Readonly<Record<string, number>>) => Object.values(parts).reduce((a, b) => a + b, 0);
  return {
    bytes: total,
    roles,
    models: [...models].map(([name, parts]) => ({ name, bytes: sum(parts), parts })),
  };
}
