// The package's face in Node: the same, with adapters found through Dawn.
import { findNodeAdapter } from "./gpu/node-adapter.ts";
import { setAdapterFinder } from "./gpu/open-device.ts";

setAdapterFinder(() => findNodeAdapter());

export * from "./index.ts";
