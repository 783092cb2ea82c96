import { cellNamed } from "../cells/cell.ts";
import { composeKernel, type Kernel, kernelOf, uniformOf } from "../kernels/kernel.ts";
import { loadOnDemand } from "../load-on-demand.ts";
import { keyOfExpression } from "../plan/expression.ts";
import { commandsOf, type Dispatch, type Plan } from "../plan/plan.ts";

/** A compiled kernel and the layout of what it binds. */
export interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly kernel: Kernel;
}

const keyOf = ({ kernel, cell, constants, expression }: Dispatch): string =>
  [kernel, cell ?? "", JSON.stringify(constants), ...(expression ? [keyOfExpression(expression)] : [])].join("|");

/** Bytes of a kernel's uniform struct. */
export const uniformSize = (kernel: Kernel): number => uniformOf(kernel).length * 4;

/** Compiles kernels, each variant once for a device. */
export class Pipelines {
  readonly #device: GPUDevice;
  readonly #compiled = new Map<string, Promise<Compiled>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** The pipelines of `commandsOf(plan)`, in that order (undefined for copies and clears). */
  async forPlan(plan: Plan): Promise<(Compiled | undefined)[]> {
    return Promise.all(
      commandsOf(plan).map((command) => (command.type === "dispatch" ? this.#get(command) : undefined)),
    );
  }

  #get(command: Dispatch): Promise<Compiled> {
    const key = keyOf(command);
    let compiled = this.#compiled.get(key);
    if (!compiled) {
      compiled = this.#compile(command);
      this.#compiled.set(key, compiled);
    }
    return compiled;
  }

  #layout(kernel: Kernel): GPUBindGroupLayout {
    let layout = this.#layouts.get(kernel.name);
    if (!layout) {
      const storage = kernel.bindings.map(
        ({ access }, i): GPUBindGroupLayoutEntry => ({
          binding: i + 1,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: access === "read" ? "read-only-storage" : "storage" },
        }),
      );
      const uniform: GPUBindGroupLayoutEntry = {
        binding: 0,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: uniformSize(kernel) },
      };
      layout = this.#device.createBindGroupLayout({ label: kernel.name, entries: [uniform, ...storage] });
      this.#layouts.set(kernel.name, layout);
    }
    return layout;
  }

  async #compile(command: Dispatch): Promise<Compiled> {
    const kernel = kernelOf(command);
    const cell = command.cell === undefined ? undefined : cellNamed(command.cell);
    const source = cell?.fragment && !("file" in cell.fragment) ? cell.fragment.source : undefined;
    const own = source === undefined ? undefined : await loadOnDemand();
    const composed = own
      ? own.composeOwnCell(cell!, source!, (checks) => composeKernel(kernel, command, checks))
      : composeKernel(kernel, command);
    const label = [command.kernel, command.cell ?? "", JSON.stringify(command.constants)].join("|");
    // A shader that is refused must not pass for a fault of the device.
    this.#device.pushErrorScope("validation");
    const module = this.#device.createShaderModule({ label, code: composed.code });
    const refused = this.#device.popErrorScope().catch(() => null);
    const layout = this.#layout(kernel);
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label,
        layout: this.#device.createPipelineLayout({ label: kernel.name, bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main" },
      });
      return { pipeline, layout, kernel };
    } catch (cause) {
      const { messages } = await module.getCompilationInfo();
      const { refuseKernel } = await loadOnDemand();
      return refuseKernel(label, composed, messages, cause, own && cell);
    } finally {
      await refused;
    }
  }
}
