/** Run in Deno: prints what adapter wgpu has, or why none, as JSON. */
import { findNodeAdapter } from "../../src/adapter/node-adapter.ts";
import { nodeSystem } from "../../src/adapter/node-system.ts";

const loadDawn = () => Promise.reject(new Error("Dawn was not asked"));
const { adapter, candidates, reason } = await findNodeAdapter({}, { ...nodeSystem, loadDawn });
const outcome = candidates.find(({ name }) => name === "navigator.gpu")?.outcome ?? reason;
console.log(JSON.stringify({ found: adapter !== undefined, outcome }));
