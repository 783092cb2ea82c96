// The package's face in Node: the same, with adapters found through Dawn, and threads of worker_threads.
import { mkdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { findNodeAdapter } from "./adapter/node-adapter.ts";
import { setAdapterFinder } from "./adapter/open-device.ts";
import { cacheFolder } from "./io/cache-folder.ts";
import { writeFileAtomic } from "./io/files.ts";
import { setTableStore } from "./tuning/table-store.ts";
import { setWorkerStarter } from "./wasm/start-worker.ts";

setAdapterFinder((options) => findNodeAdapter(options));
setWorkerStarter({
  processors: availableParallelism(),
  start(code) {
    const script = `${code}\nrequire("node:worker_threads").parentPort.once("message", start);`;
    const worker = new Worker(script, { eval: true });
    // It ends with the program, and does not keep it from ending.
    worker.unref();
    return worker;
  },
});
/** Letters that any file system takes. */
const fileOf = (name: string): string => join(cacheFolder(), `${name.replace(/[^\w.]+/g, "-")}.json`);
setTableStore({
  async load(name) {
    try {
      return await readFile(fileOf(name), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  },
  async save(name, text) {
    await mkdir(cacheFolder(), { recursive: true });
    await writeFileAtomic(fileOf(name), text);
    return fileOf(name);
  },
});

export * from "./index.ts";
