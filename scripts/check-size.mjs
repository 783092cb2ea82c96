// What two pages load, as a site serves it: bundled, minified and gzipped by Vite; and what WebAssembly adds where it is used.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const model = `class Model extends Module {
  lstm = new LSTM({ inputSize: 8, hiddenSize: 32 });
  head = new Linear({ inFeatures: 32, outFeatures: 2 });
  forward(x, state) {
    const { output, state: next } = this.lstm.forward(x, state);
    return { logits: this.head.forward(output), state: next };
  }
}
const model = new Model();
const runtime = await Runtime.open();
`;

/** A page, and how many kilobytes of 1,024 bytes it may load. */
const pages = {
  inference: {
    most: 60,
    text: `import { Linear, LSTM, Module, readSafetensors, Runtime } from "webgpu-rnn";
${model}const file = await fetch("model.safetensors");
runtime.loadStateDict(model, readSafetensors(await file.arrayBuffer()).tensors);
const session = await runtime.session(model, { inputs: { x: [1, 1, 8] } });
console.log(await session.run({ x: new Float32Array(8) }));
`,
  },
  training: {
    most: 75,
    text: `import { adam, Linear, LSTM, Module, mse, Runtime } from "webgpu-rnn";
${model}const trainer = runtime.trainer(model, { optimizer: adam(), loss: mse() });
const batch = { x: { shape: [4, 1, 8], data: new Float32Array(32) }, target: { shape: [4, 1, 2], data: new Float32Array(8) } };
for await (const { loss } of trainer.fit([batch])) console.log(loss);
`,
  },
};

/** The module of the WebAssembly backend and its second product, gzipped: kilobytes of 1,024 bytes. */
const mostWasm = 40;
const isWasm = ({ moduleIds }) => moduleIds.some((id) => id.endsWith("/wasm/module.generated.js"));

/** Bundles the pages, which import the package from `folder`/node_modules. @throws Error for one that is too large */
export async function checkSize(folder) {
  const vite = await import("vite");
  const faults = [];
  for (const [name, { most, text }] of Object.entries(pages)) {
    const input = join(folder, `${name}.js`);
    writeFileSync(input, text);
    const { output } = await vite.build({
      root: folder,
      configFile: false,
      logLevel: "error",
      build: { write: false, target: "es2022", rolldownOptions: { input } },
    });
    const loaded = loadedBy(output);
    if (loaded.some(isWasm)) faults.push(`a page for ${name} loads the WebAssembly backend before it opens it`);
    const bytes = loaded.reduce((sum, { code }) => sum + gzipSync(code).length, 0);
    const size = `${(bytes / 1024).toFixed(1)} KB of at most ${most} KB`;
    console.log(`       ${name} with one LSTM: ${size}`);
    if (bytes > most * 1024) faults.push(`a page for ${name} with one LSTM loads ${size}: find what came along`);
    if (name === "inference") faults.push(...(await wasmFaults(folder, output.filter(isWasm))));
  }
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

/** Of the one chunk with the module and the natives, which a page loads when it opens the WebAssembly backend. */
async function wasmFaults(folder, chunks) {
  if (chunks.length !== 1) return [`${chunks.length} chunks have the WebAssembly module, and not one`];
  const file = join(folder, "node_modules", "webgpu-rnn", "dist", "wasm", "module.generated.js");
  const { moduleBase64, relaxedProductBase64 } = await import(pathToFileURL(file).href);
  const codes = [moduleBase64, relaxedProductBase64].map((text) => Buffer.from(text, "base64"));
  const bytes = codes.reduce((sum, code) => sum + gzipSync(code).length, 0);
  const size = `${(bytes / 1024).toFixed(1)} KB of at most ${mostWasm} KB`;
  const chunk = `${(gzipSync(chunks[0].code).length / 1024).toFixed(1)} KB`;
  console.log(`       WebAssembly, where it is opened: the modules ${size}, its chunk with the natives ${chunk}`);
  return bytes > mostWasm * 1024 ? [`the WebAssembly modules are ${size}: find what came along`] : [];
}

/** The entry and what it imports. What is imported on demand neither page asks for. */
function loadedBy(output) {
  const chunks = new Map(output.map((chunk) => [chunk.fileName, chunk]));
  const found = new Set();
  const open = output.filter(({ isEntry }) => isEntry);
  for (let chunk = open.pop(); chunk; chunk = open.pop()) {
    if (found.has(chunk)) continue;
    found.add(chunk);
    for (const name of chunk.imports) if (chunks.has(name)) open.push(chunks.get(name));
  }
  return [...found];
}
