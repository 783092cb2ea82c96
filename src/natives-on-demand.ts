// What the WebAssembly backend loads when it is opened. A bundler cuts modules into files by who reaches them: with what was loaded
// to open the backend among what is reached here, pages load fewer files, and fewer bytes.
export * as loadedBefore from "./on-demand.ts";
export { openModule } from "./wasm/module.ts";
export { natives } from "./wasm/natives.ts";
