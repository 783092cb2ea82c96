/** Where a command computes: its option, and the line that says what was chosen. */
import { Option } from "commander";
import type { RuntimeInfo, RuntimeOptions, WeightDType } from "../node.ts";
import { type BackendChoice, backendChoices } from "../plan/backend.ts";
import { whole } from "./arguments.ts";

export interface BackendFlags {
  readonly backend: BackendChoice;
  readonly threads?: number | undefined;
  /** False: without what `webgpu-rnn tune` kept. */
  readonly tuned?: boolean | undefined;
}

/** `--backend <name>`, as every command has it that runs a model of the user's. */
export const backendOption = (): Option =>
  new Option("--backend <name>", "where to compute: a GPU, WebAssembly, or the float64 twins on the CPU")
    .choices(backendChoices)
    .default("auto" satisfies BackendChoice);

/** `--threads <n>` beside it. */
export const threadsOption = (): Option =>
  new Option("--threads <n>", "WebAssembly: threads that share work (default: one a processor, at most 8)").argParser(
    whole(),
  );

/** `--no-tuned` beside it. */
export const tunedOption = (): Option =>
  new Option("--no-tuned", "GPU: leave out what webgpu-rnn tune measured on this machine");

/** `--weight-dtype <format>`, for commands that only run a model. */
export const weightDtypeOption = (): Option =>
  new Option("--weight-dtype <format>", "what steps of recurrent layers read of their weights; not on WebAssembly")
    .choices(["f32", "f16", "int8"] satisfies WeightDType[])
    .default("f32" satisfies WeightDType);

/** What `Runtime.open` takes of them. */
export const runtimeOptions = ({ backend, threads, tuned = true }: BackendFlags): RuntimeOptions => ({
  backend,
  ...(threads !== undefined && { threads }),
  ...(tuned && { tuned: "kept" }),
});

/** One line: what was chosen, why, what else there is, and whether something was tuned. */
export function runningOn({
  backend,
  reason,
  tuned,
}: {
  readonly backend: string;
  readonly reason: string;
  readonly tuned?: RuntimeInfo["tuned"] | undefined;
}): string {
  const measured = tuned && tuned.choices > 0 ? `; ${tuned.choices} kernel variants as webgpu-rnn tune measured` : "";
  return `running on the ${backend === "gpu" ? "GPU" : "CPU"}: ${reason}${measured}`;
}
