// The package's face in Node: the same, with adapters found through Dawn.
import { findNodeAdapter } from "./adapter/node-adapter.ts";
import { setAdapterFinder } from "./adapter/open-device.ts";

setAdapterFinder((options) => findNodeAdapter(options));

export * from "./index.ts";
