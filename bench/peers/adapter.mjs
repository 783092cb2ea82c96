// The adapter that this library takes, as the `navigator.gpu` that others ask for.
import { findNodeAdapter } from "../../dist/adapter/node-adapter.js";
import { nodeSystem } from "../../dist/adapter/node-system.js";

/** Dawn's, whatever stands in `navigator.gpu`. */
const ownSystem = { ...nodeSystem, navigatorGpu: () => undefined };

/** Puts it there. */
export async function offerAdapter() {
  const found = await findNodeAdapter({}, ownSystem);
  if (!found.adapter) throw new Error(found.reason);
  let adapter = found.adapter;
  const gpu = {
    async requestAdapter() {
      // An adapter has one device.
      const offered = adapter ?? (await findNodeAdapter({}, ownSystem)).adapter;
      adapter = undefined;
      return offered;
    },
    getPreferredCanvasFormat: () => "bgra8unorm",
    wgslLanguageFeatures: new Set(),
  };
  // Node 20 has no navigator.
  const navigator = { userAgent: `Node.js/${process.versions.node}`, platform: process.platform, gpu };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true, writable: true });
}

/** Has `writeBuffer` take shared memory, as browsers do and Dawn's package does not: WebAssembly with threads writes from it. */
export function takeSharedMemory() {
  const { prototype } = globalThis.GPUQueue;
  const { writeBuffer } = prototype;
  prototype.writeBuffer = function (buffer, offset, data, start = 0, count = undefined) {
    const memory = ArrayBuffer.isView(data) ? data.buffer : data;
    const size = data.BYTES_PER_ELEMENT ?? 1;
    if (!(memory instanceof SharedArrayBuffer)) return writeBuffer.call(this, buffer, offset, data, start, count);
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(memory, data.byteOffset, data.byteLength)
      : new Uint8Array(memory);
    const end = count === undefined ? undefined : (start + count) * size;
    return writeBuffer.call(this, buffer, offset, bytes.slice(start * size, end));
  };
}
