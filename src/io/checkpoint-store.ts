import { OptionError, shown, WebGpuRnnError } from "../errors.ts";
import type { Bytes } from "../platform-types.ts";

// Files of a page that stay when it is closed. In Node, files are files.

/**
 * Where a page keeps checkpoints, each as bytes under a name: what `saveTraining`, `saveCheckpoint` and `writeSafetensors` make. A
 * save is all or nothing: whenever the page is closed, the old or the new bytes are there, whole.
 */
export interface CheckpointStore {
  /** Puts bytes under a name, in place of what was there. @throws WebGpuRnnError (code `WRITE`) when the browser's storage is full */
  save(name: string, bytes: Uint8Array): Promise<void>;
  /** The bytes under a name; undefined where there are none. */
  load(name: string): Promise<Bytes | undefined>;
  /** The names, sorted. */
  list(): Promise<string[]>;
  /** Removes what is under a name, if there is something. */
  remove(name: string): Promise<void>;
}

/** What all stores of this library are called in a page's storage. */
const STORE = "webgpu-rnn checkpoints";

const kinds: Readonly<Record<string, () => CheckpointStore>> = {
  indexeddb: () => indexedDbStore(),
  opfs: privateFileStore,
};

/**
 * The checkpoints of this page's origin.
 *
 * ```ts
 * const store = checkpointStore("opfs");
 * await store.save("my model", await saveTraining(training));
 * const bytes = await store.load("my model");
 * ```
 * A browser may clear storage that is short of space; `await navigator.storage.persist()` asks it not to.
 * @param kind "indexeddb", in every browser and worker; or "opfs", the origin's private file system, which reads and writes large
 *   files faster, and of which Safari before 26 cannot write from here
 * @throws OptionError when this is no page or worker, or one without that storage (an insecure one, or a private window)
 */
export function checkpointStore(kind: "indexeddb" | "opfs"): CheckpointStore {
  const make = Object.hasOwn(kinds, String(kind)) ? kinds[String(kind)] : undefined;
  if (!make) throw new OptionError(`checkpointStore: kind is ${shown(kind)}, expected "indexeddb" or "opfs"`);
  const { save, load, list, remove } = make();
  const checked =
    <A extends readonly unknown[], R>(what: string, run: (name: string, ...rest: A) => Promise<R>) =>
    async (name: string, ...rest: A): Promise<R> => {
      if (typeof name !== "string" || name === "" || /\p{Surrogate}/u.test(name) || fileName(name).length > 255)
        throw new OptionError(
          `checkpointStore.${what}: the name is ${shown(name)}, expected text that is not empty and not longer than a file's name`,
        );
      return run(name, ...rest);
    };
  return {
    async save(name, bytes) {
      if (!(bytes instanceof Uint8Array) || bytes.length === 0)
        throw new OptionError(`checkpointStore.save: ${shown(bytes)} is no Uint8Array with bytes in it`);
      // Either storage would keep the whole memory that a view is a part of. A copy is also not changed while it is written.
      await checked("save", save)(name, bytes.slice()).catch(async (cause: Error) => {
        if (cause instanceof OptionError) throw cause;
        throw new WebGpuRnnError(
          "WRITE",
          `checkpointStore.save: ${bytes.length} bytes of ${shown(name)} could not be written: ${cause.message} ` +
            `(${await occupied()}); what was there before is untouched; remove checkpoints that are not needed`,
          { cause },
        );
      });
    },
    load: checked("load", load),
    list: async () => (await list()).sort(),
    remove: checked("remove", remove),
  };
}

/** How full the browser's storage is: browsers say little of why they do not write. */
async function occupied(): Promise<string> {
  const { usage, quota } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
  return usage === undefined || quota === undefined
    ? "how full its storage is the browser does not say"
    : `${usage} of the ${quota} bytes that the browser allows are in use`;
}

const missing = (what: string): OptionError =>
  new OptionError(
    `checkpointStore: ${what} is not there: open the page by https or on localhost, not in a private window; in Node write a file`,
  );

/** Bytes by name in a database of the page's origin. `of`: the database; default that of the checkpoints. */
export function indexedDbStore(of = STORE): CheckpointStore {
  const { indexedDB } = globalThis;
  if (!indexedDB) throw missing("IndexedDB");
  /** Runs one transaction, and is done when it is complete: on disk where it wrote. */
  async function inOne<T>(mode: IDBTransactionMode, work: (files: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const opening = indexedDB.open(of, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("files");
    const database = await settled(opening);
    try {
      const transaction = database.transaction("files", mode, { durability: "strict" });
      const request = work(transaction.objectStore("files"));
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error ?? request.error);
      });
      return request.result;
    } finally {
      database.close();
    }
  }
  return {
    save: async (name, bytes) => void (await inOne("readwrite", (files) => files.put(bytes, name))),
    load: (name) => inOne("readonly", (files) => files.get(name)),
    list: async () => (await inOne("readonly", (files) => files.getAllKeys())) as string[],
    remove: async (name) => void (await inOne("readwrite", (files) => files.delete(name))),
  };
}

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const ENDING = ".safetensors";
/** A name may have any characters, and that of a file may not. */
const fileName = (name: string): string => encodeURIComponent(name) + ENDING;

function privateFileStore(): CheckpointStore {
  const storage = globalThis.navigator?.storage;
  if (!storage?.getDirectory) throw missing("the origin's private file system");
  const folder = async () => (await storage.getDirectory()).getDirectoryHandle(STORE, { create: true });
  return {
    async save(name, bytes) {
      const file = await (await folder()).getFileHandle(fileName(name), { create: true });
      // What is written goes to a file of its own, which takes the name when it is closed. Until then a new name is empty,
      // and remains so where the page goes meanwhile: an empty file is none.
      const stream = await file.createWritable();
      await stream.write(bytes as Bytes);
      await stream.close();
    },
    async load(name) {
      const file = await (await folder()).getFileHandle(fileName(name)).catch(ifNotFound);
      const bytes = file && new Uint8Array(await (await file.getFile()).arrayBuffer());
      return bytes?.length === 0 ? undefined : bytes;
    },
    async list() {
      const names: string[] = [];
      for await (const [name, entry] of (await folder()).entries()) {
        if (!name.endsWith(ENDING) || entry.kind !== "file") continue;
        const { size } = await (entry as FileSystemFileHandle).getFile();
        if (size > 0) names.push(decodeURIComponent(name.slice(0, -ENDING.length)));
      }
      return names;
    },
    async remove(name) {
      await (await folder()).removeEntry(fileName(name)).catch(ifNotFound);
    },
  };
}

function ifNotFound(error: Error): undefined {
  if (error.name !== "NotFoundError") throw error;
}
