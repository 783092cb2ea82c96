import type { Backend } from "../../src/plan/backend.ts";
import type { Target } from "../../src/plan/plan.ts";

/** The same backend on a machine with lower limits. */
export function limited<B extends Backend>(backend: B, limits: Partial<Target>): B {
  Object.defineProperty(backend, "target", { value: { ...backend.target, ...limits } });
  return backend;
}
