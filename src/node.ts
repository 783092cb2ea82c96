// The package's face in Node: the same, with adapters found through Dawn, and threads of worker_threads.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { findNodeAdapter } from "./adapter/node-adapter.ts";
import { setAdapterFinder } from "./adapter/open-device.ts";
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

export * from "./index.ts";
