import { provideCommands } from "./graph/commands.ts";

export type OnDemand = typeof import("./on-demand.ts");

/** Loads what a program has only when it asks for it. */
export async function loadOnDemand() {
  const loaded = await import("./on-demand.ts");
  // Who asks for it may have any model.
  provideCommands(loaded.functionCommands);
  return loaded;
}
