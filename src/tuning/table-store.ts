import { indexedDbStore } from "../io/checkpoint-store.ts";
import { decodeUtf8 } from "../io/utf8.ts";
import { VERSION } from "./tuning-table.ts";

/** Where tables stay when a program ends, as text under a name. */
export interface TableStore {
  load(name: string): Promise<string | undefined>;
  /** All or nothing. @returns where it is kept, in words */
  save(name: string, text: string): Promise<string>;
}

/** Beside the checkpoints, whose names are the user's. */
const DATABASE = "webgpu-rnn tuning";

/** A page's own storage, which it has on https or localhost. */
const inPage: TableStore = {
  async load(name) {
    const bytes = await indexedDbStore(DATABASE).load(name);
    return bytes && decodeUtf8(bytes, name);
  },
  async save(name, text) {
    await indexedDbStore(DATABASE).save(name, new TextEncoder().encode(text));
    return `IndexedDB "${DATABASE}", "${name}"`;
  },
};

let store = inPage;

/** Keeps tables elsewhere: Node in files. */
export function setTableStore(other: TableStore): void {
  store = other;
}

/** What the table of an adapter is kept under: a version measures anew. */
const nameFor = (adapter: string): string => `tuning ${VERSION} ${adapter}`;

/**
 * The table that is kept for an adapter; undefined where there is none.
 * @throws whatever the storage throws, and SyntaxError for what is no JSON
 */
export async function keptTable(adapter: string): Promise<unknown> {
  const text = await store.load(nameFor(adapter));
  return text === undefined ? undefined : JSON.parse(text);
}

/** Keeps a table for its adapter. @returns where, in words @throws whatever the storage throws */
export const keepTable = (adapter: string, table: object): Promise<string> =>
  store.save(nameFor(adapter), `${JSON.stringify(table, null, 2)}\n`);
