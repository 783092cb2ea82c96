import { CpuBackend } from "../../src/cpu/cpu-backend.ts";
import { defaultTarget, type Target } from "../../src/plan/plan.ts";

/** The reference, with plans for a GPU or for an adapter that computes on the CPU. */
export class PlansFor extends CpuBackend {
  override readonly target: Target;
  constructor(software: boolean, tuned?: Target["tuned"]) {
    super();
    this.target = { ...defaultTarget, software, ...(tuned && { tuned }) };
  }
}
