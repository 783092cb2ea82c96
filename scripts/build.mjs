// src/ and shaders/ -> dist/: ES modules with types, and one file for <script type="module">.
// node scripts/build.mjs [--if-stale] [--prepare]
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");
const bundle = join(dist, "webgpu-rnn.js");
const commandLine = join(dist, "cli", "main.js");
const options = process.argv.slice(2);
for (const option of options)
  if (!["--if-stale", "--prepare"].includes(option)) throw new Error(`build.mjs: unknown option ${option}`);

function newest(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function node(...args) {
  try {
    execFileSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  } catch (error) {
    console.error(`build: ${args.slice(0, 3).join(" ")} failed`);
    process.exit(error.status || 1);
  }
}

const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
if (options.includes("--prepare") && !existsSync(tsc)) {
  // "npm ci --omit=dev" runs prepare as well, without what a build needs.
  console.log("webgpu-rnn: nothing built, because the development dependencies are not installed");
  process.exit(0);
}

node("scripts/generate.mjs");

if (options.includes("--if-stale") && existsSync(bundle)) {
  // The bundle is written last, so its time is that of the whole build.
  const sources = ["src", "package.json", "tsconfig.json", "tsconfig.build.json", "scripts/build.mjs"];
  if (sources.every((path) => newest(join(root, path)) <= statSync(bundle).mtimeMs)) process.exit(0);
}

rmSync(dist, { recursive: true, force: true });
node(tsc, "-p", "tsconfig.build.json");
if (existsSync(commandLine)) chmodSync(commandLine, 0o755);

const vite = await import("vite");
await vite.build({
  root,
  configFile: false,
  logLevel: "warn",
  build: {
    target: "es2022",
    outDir: dist,
    emptyOutDir: false,
    copyPublicDir: false,
    sourcemap: true,
    // Readable, and the classes keep the names that their error messages use; a site compresses it again anyway.
    minify: false,
    lib: { entry: join(root, "src", "index.ts"), formats: ["es"], fileName: () => "webgpu-rnn.js" },
    rolldownOptions: { output: { codeSplitting: false } },
  },
});
// A page loads this file with nothing beside it: an import left in it is a browser bundle that contains Node's parts.
const left = readFileSync(bundle, "utf8").match(
  /^\s*(?:import|export)\b[^;\n]*\bfrom\s*["'][^"']+["']|\bimport\(\s*["'][^"']+["']\s*\)/m,
);
if (left !== null) {
  rmSync(bundle);
  console.error(`build: dist/webgpu-rnn.js must import nothing, and has: ${left[0].trim()}`);
  process.exit(1);
}
