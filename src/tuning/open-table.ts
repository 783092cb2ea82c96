import type { AdapterInfo } from "../adapter/adapter-report.ts";
import { OptionError, shown } from "../errors.ts";
import { keptTable } from "./table-store.ts";
import { adapterKey, readTable, type TuningInUse, type UsableTable, VERSION } from "./tuning-table.ts";

/** What a runtime uses of a table, and what it says of it. */
export interface OpenTable {
  readonly choices: UsableTable["choices"];
  readonly inUse: TuningInUse;
}

/**
 * The table that `Runtime.open({ tuned })` asks for. A kept one that is missing, damaged or of another machine is no error: the
 * built-in choices hold, and the notes say why.
 * @throws OptionError for what is neither "kept" nor a table
 */
export async function openTable(tuned: unknown, info: AdapterInfo): Promise<OpenTable> {
  const adapter = adapterKey(info);
  if (typeof tuned === "string" && tuned !== "kept")
    throw new OptionError(`Runtime.open: tuned is ${shown(tuned)}, expected "kept" or the table of runtime.tune`);
  const from = tuned === "kept" ? "kept" : "given";
  const { choices, notes } = from === "given" ? readTable(tuned, adapter) : await usableKept(adapter);
  return { choices, inUse: { from, choices: Object.keys(choices).length, notes } };
}

async function usableKept(adapter: string): Promise<UsableTable> {
  try {
    const table = await keptTable(adapter);
    if (table !== undefined) return readTable(table, adapter);
    return { choices: {}, notes: [`no table is kept for ${adapter} and version ${VERSION}: runtime.tune makes one`] };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { choices: {}, notes: [`the kept table cannot be read: ${why}; runtime.tune makes a new one`] };
  }
}
