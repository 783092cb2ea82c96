import type { AdapterInfo } from "../adapter/adapter-report.ts";
import { OptionError, shown } from "../errors.ts";
import { type Chosen, isChosen, variantsOf } from "../kernels/choose-variant.ts";

/** Of this package, which a kept table belongs to. A test compares it with package.json. */
export const VERSION = "0.1.0";

/**
 * The variants of kernels that were measured to be best on one adapter: plain JSON, made by `Runtime.tune`, used by
 * `Runtime.open({ tuned })`.
 */
export interface TuningTable {
  readonly format: "webgpu-rnn tuning";
  /** Of webgpu-rnn. */
  readonly version: string;
  /** The adapter that it was measured on, as `info().adapter` tells it: description, device, architecture and vendor. */
  readonly adapter: string;
  /**
   * A variant for each kernel and shape class. The class "matmul M 1024 N 512" are all products with M from 1024 to 2047 and N
   * from 512 to 1023. Classes for which the built-in variant was the best one stand here, too.
   */
  readonly choices: Readonly<Record<string, unknown>>;
}

/** Which table is used, in `info().tuned`. */
export interface TuningInUse {
  /** `kept`: on this machine by an earlier `tune`; `given`: as an option of `Runtime.open`. */
  readonly from: "kept" | "given";
  /** Shape classes that have a measured variant. */
  readonly choices: number;
  /** What of the table is not used, and why, in a sentence each. */
  readonly notes: readonly string[];
}

/** What a table calls an adapter. */
export const adapterKey = ({ description, device, architecture, vendor }: AdapterInfo): string =>
  [description, device, architecture, vendor].filter(Boolean).join(", ") || "an adapter without a name";

export const makeTable = (adapter: string, choices: TuningTable["choices"]): TuningTable => ({
  format: "webgpu-rnn tuning",
  version: VERSION,
  adapter,
  choices,
});

/** What of a table this version and this adapter can use. */
export interface UsableTable {
  readonly choices: Readonly<Record<string, unknown>>;
  readonly notes: readonly string[];
}

/**
 * Reads a table. One of another adapter is not used at all, and neither are kernels and variants that this version does not have:
 * the built-in choice holds there, and the notes say so.
 * @throws OptionError for what is no table
 */
export function readTable(given: unknown, adapter: string): UsableTable {
  const table = given as Partial<TuningTable> | null | undefined;
  if (
    typeof table !== "object" ||
    table?.format !== "webgpu-rnn tuning" ||
    typeof table.adapter !== "string" ||
    typeof table.choices !== "object" ||
    table.choices === null
  )
    throw new OptionError(
      `tuned: ${shown(given)} is no tuning table; give what runtime.tune returned as its table, or leave tuned out`,
    );
  if (table.adapter !== adapter)
    return {
      choices: {},
      notes: [`the table was made on ${table.adapter}, and this is ${adapter}: nothing of it is used; tune here`],
    };
  const choices: Record<string, unknown> = {};
  const notes: string[] = [];
  for (const [key, variant] of Object.entries(table.choices)) {
    const kernel = key.split(" ", 1)[0]!;
    const known = isChosen(kernel) ? variantNamed(kernel, variant) : undefined;
    if (known !== undefined) choices[key] = known;
    else {
      const missing = isChosen(kernel) ? `variant ${JSON.stringify(variant)} of ${kernel}` : `choice of "${kernel}"`;
      notes.push(`"${key}" of version ${table.version} is left out: ${VERSION} has no ${missing}; tune again`);
    }
  }
  return { choices, notes };
}

/** A kernel's variant that is equal to a given one; undefined where there is none. */
function variantNamed(kernel: Chosen, given: unknown): unknown {
  const text = textOf(given);
  return (variantsOf(kernel) as unknown[]).find((variant) => textOf(variant) === text);
}

/** The same text for the same members in any order. */
const textOf = (variant: unknown): string =>
  typeof variant === "object" && variant !== null
    ? JSON.stringify(Object.entries(variant).sort(([a], [b]) => (a < b ? -1 : 1)))
    : JSON.stringify(variant);
