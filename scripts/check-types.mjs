// The published types under every TypeScript from 5.4 on: with and without its DOM library, with and without @webgpu/types,
// as Node and as bundlers find modules, and with the library's own declarations checked as well.
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

const compilers = ["typescript-5.4", "typescript-5.9", "typescript", "typescript-7.0"];

/** Every two of the three choices are together in one of them. */
const settings = [
  { dom: false, webgpu: false, resolution: "nodenext" },
  { dom: false, webgpu: true, resolution: "bundler" },
  { dom: true, webgpu: false, resolution: "bundler" },
  { dom: true, webgpu: true, resolution: "nodenext" },
];

const page = `import { adam, Linear, LSTM, Module, mse, Runtime, saveModel, writeSafetensors } from "webgpu-rnn";
import type { Signal, StateDict, Tensor } from "webgpu-rnn";
class Model extends Module {
  lstm = new LSTM({ inputSize: 8, hiddenSize: 32 });
  head = new Linear({ inFeatures: 32, outFeatures: 2 });
  forward(x: Tensor) {
    return this.head.forward(this.lstm.forward(x).state.h);
  }
}
export async function run(model: Model, signal: Signal) {
  using runtime = await Runtime.open({ backend: "auto" });
  const dict: StateDict = { "head.bias": { shape: [2], data: new Float32Array(2) } };
  runtime.loadStateDict(model, dict);
  const bytes: Uint8Array = writeSafetensors(await runtime.stateDict(model));
  const trainer = runtime.trainer(model, { optimizer: adam(), loss: mse() });
  for await (const { loss } of trainer.fit([], { signal })) bytes[0] = loss;
  return { bytes, saveModel };
}
// @ts-expect-error
export const noDevice = Runtime.open({ device: { queue: {} } });
`;

/** For those that have WebGPU's types. */
const pageWithDevice = `import { Runtime } from "webgpu-rnn";
export const open = (device: GPUDevice) => Runtime.open({ device });
// @ts-expect-error
export const openQueue = (device: GPUDevice) => Runtime.open({ device: device.queue });
`;

/** For those that have Blob and AbortSignal. */
const pageOfBrowser = `import { Runtime, type Trainer, writeSafetensors } from "webgpu-rnn";
export const blob = new Blob([writeSafetensors({})]);
export const fit = (trainer: Trainer) => trainer.fit([], { signal: new AbortController().signal });
export const opened = Runtime.open();
`;

/** Compiles pages that import the package, which lies in `folder`/node_modules. @throws Error with what the compilers say */
export async function checkTypes(root, folder) {
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  for (const [name, text] of Object.entries({ page, pageWithDevice, pageOfBrowser }))
    writeFileSync(join(folder, `${name}.ts`), text);
  const runs = compilers.flatMap((compiler) => settings.map((setting) => ({ compiler, ...setting })));
  const faults = [];
  const worker = async () => {
    for (let run = runs.pop(); run; run = runs.pop()) faults.push(...(await compile(root, folder, run)));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

async function compile(root, folder, { compiler, dom, webgpu, resolution }) {
  const at = join(root, "node_modules", compiler);
  const { version } = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
  const files = ["page.ts"];
  if (webgpu) files.push(join(root, "node_modules", "@webgpu", "types", "dist", "index.d.ts"));
  // TypeScript's own DOM library has WebGPU from 6.0 on.
  if (webgpu || (dom && Number.parseInt(version, 10) >= 6)) files.push("pageWithDevice.ts");
  if (dom) files.push("pageOfBrowser.ts");
  const lib = ["ES2022"];
  if (dom) lib.push("DOM");
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    target: "ES2022",
    module: resolution === "nodenext" ? "NodeNext" : "ESNext",
    moduleResolution: resolution,
    types: [],
    lib,
  };
  const name = [compiler, dom ? "dom" : "no-dom", webgpu ? "webgpu" : "no-webgpu", resolution].join("-");
  const project = join(folder, `${name}.json`);
  writeFileSync(project, JSON.stringify({ compilerOptions, files }));
  const { status, output } = await run(join(at, "bin", "tsc"), ["-p", project, "--pretty", "false"], folder);
  // Faults of @webgpu/types itself: it needs a DOM library, and one that has WebGPU contradicts it.
  const own = output.split("\n").filter((line) => /error TS/.test(line) && !/^\S*(?:@webgpu|lib\.dom)\S*\(/.test(line));
  if (status !== 0 && own.length === 0 && !webgpu) own.push(output || `status ${status}`);
  return own.map((line) => `${version}, ${name}: ${line}`);
}

function run(script, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (data) => {
        output += data;
      });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output }));
  });
}
