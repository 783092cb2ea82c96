/** Where a command computes: its option, and the line that says what was chosen. */
import { Option } from "commander";
import { type BackendChoice, backendChoices } from "../plan/backend.ts";

/** `--backend <name>`, as every command has it that runs a model of the user's. */
export const backendOption = (): Option =>
  new Option("--backend <name>", "where to compute: a GPU, WebAssembly, or the float64 twins on the CPU")
    .choices(backendChoices)
    .default("auto" satisfies BackendChoice);

/** One line: what was chosen, why, and what else there is. */
export const runningOn = ({ backend, reason }: { readonly backend: string; readonly reason: string }): string =>
  `running on the ${backend === "gpu" ? "GPU" : "CPU"}: ${reason}`;
