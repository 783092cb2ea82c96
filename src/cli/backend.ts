/** Where a command computes: its option, and the line that says what was chosen. */
import { Option } from "commander";
import type { RuntimeOptions } from "../node.ts";
import { type BackendChoice, backendChoices } from "../plan/backend.ts";
import { whole } from "./arguments.ts";

export interface BackendFlags {
  readonly backend: BackendChoice;
  readonly threads?: number | undefined;
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

/** What `Runtime.open` takes of them. */
export const runtimeOptions = ({ backend, threads }: BackendFlags): RuntimeOptions => ({
  backend,
  ...(threads !== undefined && { threads }),
});

/** One line: what was chosen, why, and what else there is. */
export const runningOn = ({ backend, reason }: { readonly backend: string; readonly reason: string }): string =>
  `running on the ${backend === "gpu" ? "GPU" : "CPU"}: ${reason}`;
