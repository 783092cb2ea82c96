import { LimitError } from "../errors.ts";
import { type BufferSpec, type Command, hostTarget } from "../plan/plan.ts";
import { showBytes } from "../plan/print-plan.ts";
import { HostBackend, type HostBuffer } from "./host-backend.ts";
import { twinStep } from "./twin-step.ts";

/** Runs plans with the kernels' twins, in float64. */
export class CpuBackend extends HostBackend<HostBuffer> {
  readonly kind = "cpu";
  readonly target = hostTarget;

  protected make({ name, dtype, length }: BufferSpec) {
    const bytes = length * (dtype === "i32" ? Int32Array : Float64Array).BYTES_PER_ELEMENT;
    try {
      return { bytes, data: dtype === "i32" ? new Int32Array(length) : new Float64Array(length) };
    } catch {
      throw new LimitError(
        `${name} needs ${showBytes(bytes)}, more than this process can get; choose a smaller batch, window or model`,
      );
    }
  }

  protected release(): void {}

  step(command: Command, buffers: readonly HostBuffer[]): () => void {
    return twinStep(command, ({ buffer, offset }) => buffers[buffer]!.data.subarray(offset));
  }
}
