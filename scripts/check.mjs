// npm run check: types of everything, then the package as a user would install it.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkSize } from "./check-size.mjs";
import { checkTypes } from "./check-types.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (path) => join(root, "node_modules", path);
let failed = false;

async function step(name, run) {
  console.log(`check: ${name}`);
  try {
    return await run();
  } catch (error) {
    // A program that ran has said what is wrong already; everything else has only its message.
    if (error.status === undefined || error.status === null) console.error(error.message);
    console.error(`check: ${name} failed`);
    failed = true;
  }
}
const node = (...args) => execFileSync(process.execPath, args, { cwd: root, stdio: "inherit" });

await step("lock file", () => {
  // A lock file that names a registry installs from there on every machine, whatever that machine's settings say.
  for (const folder of ["", "bench/peers/", "test/onnxruntime/", "test/wgpu/"]) {
    const file = `${folder}package-lock.json`;
    if (/"resolved"\s*:/.test(readFileSync(join(root, file), "utf8")))
      throw new Error(`${file} names where packages come from: npm install --omit-lockfile-registry-resolved`);
  }
});
await step("generated files", () => node("scripts/generate.mjs"));
await step("types", () => node(bin("typescript/bin/tsc"), "-p", "tsconfig.json"));
await step("build", () => node("scripts/build.mjs", "--if-stale"));
if (!failed) await checkPackage();
process.exitCode = failed ? 1 : 0;

async function checkPackage() {
  // Vite compares real paths, and a Mac's temporary folder is a link.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "webgpu-rnn-check-")));
  try {
    const tarball = await step("pack", () => pack(folder));
    if (tarball === undefined) return;
    await step("publint", () => node(bin("publint/src/cli.js"), "run", tarball, "--strict"));
    await step("are the types wrong", () =>
      node(bin("@arethetypeswrong/cli/dist/index.js"), tarball, "--profile", "esm-only"),
    );
    await step("unpack", () => unpack(tarball, folder));
    await step("runs without WebGPU", () => runWithoutWebGpu(folder));
    await step("types under TypeScript 5.4 to 7.0", () => checkTypes(root, folder));
    await step("bundle for a browser", () => bundleForBrowser(folder));
    await step("size of a bundle", () => checkSize(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function pack(folder) {
  const packed = execFileSync("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    shell: process.platform === "win32",
  });
  return join(folder, JSON.parse(packed)[0].filename);
}

/** The package as npm installs it, beside none of its dependencies. */
function unpack(tarball, folder) {
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  execFileSync("tar", ["-xzf", tarball, "-C", modules]);
  renameSync(join(modules, "package"), join(modules, "webgpu-rnn"));
}

/** The package's entry in Node, where the package `webgpu` is not installed: it runs on WebAssembly. */
function runWithoutWebGpu(folder) {
  const file = join(folder, "without-webgpu.mjs");
  writeFileSync(
    file,
    `import { adam, CharModel, Runtime } from "webgpu-rnn";
const runtime = await Runtime.open();
const { backend, reason } = runtime.info();
if (backend !== "wasm") throw new Error(\`the backend is \${backend}: \${reason}\`);
const trainer = runtime.trainer(new CharModel({ vocabSize: 4, hiddenSize: 8 }), { optimizer: adam({ lr: 0.05 }) });
const tokens = (shift) => ({ shape: [8, 2], data: Int32Array.from({ length: 16 }, (_, i) => ((i >> 1) + shift) % 4) });
const losses = [];
for (let step = 0; step < 20; step++) losses.push((await trainer.step({ x: tokens(0), target: tokens(1) })).loss);
if (!(losses.at(-1) < losses[0] / 2)) throw new Error(\`losses of \${losses}\`);
`,
  );
  node(file);
}

/** A page that imports the package: Node's parts must not be reached from it. */
async function bundleForBrowser(folder) {
  writeFileSync(join(folder, "page.js"), 'import * as rnn from "webgpu-rnn";\nconsole.log(rnn);\n');
  const vite = await import("vite");
  const { output } = await vite.build({
    root: folder,
    configFile: false,
    logLevel: "error",
    build: { write: false, target: "es2022", rolldownOptions: { input: join(folder, "page.js") } },
  });
  for (const { fileName, imports, dynamicImports, moduleIds } of output.filter(({ type }) => type === "chunk")) {
    const own = new Set(output.map((file) => file.fileName));
    // Vite replaces Node's modules by empty ones where it can, which fails only when the page runs.
    const foreign = [
      ...[...imports, ...dynamicImports].filter((name) => !own.has(name)),
      ...moduleIds.filter((id) => id.includes("__vite-browser-external") || id.endsWith("webgpu-rnn/dist/node.js")),
    ];
    if (foreign.length > 0) throw new Error(`a page that imports webgpu-rnn gets ${foreign.join(", ")} in ${fileName}`);
  }
}
