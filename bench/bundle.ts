/** Writes programs that run under plain Node with the webgpu package beside them and nothing else. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { commitOf } from "./commit.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const rooms = { bench: join(root, "bench"), src: join(root, "src") };

/** Names of the files and what they run. */
const programs = {
  bench: "bundled-bench.ts",
  verify: "bundled-verify.ts",
  compare: "compare.ts",
  workloads: "workloads-process.ts",
};

/** What a bundle is told about where it comes from, as src/cli/versions.ts wants it. */
function originOf(checkout: string): { version: string; commit?: string } {
  const { version } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { version: string };
  const commit = commitOf(checkout);
  return { version, ...(commit !== undefined && { commit }) };
}

/** One file of a program of bench/, with the library of this checkout or of another one. */
async function bundleProgram(folder: string, name: string, entry: string, checkout = root): Promise<string> {
  // The shaders go into the file with the sources. Older checkouts have nothing else that is generated.
  const scripts = ["generate.mjs", "shaders.mjs"].map((name) => join(checkout, "scripts", name));
  execFileSync(process.execPath, [scripts.find(existsSync)!], { stdio: "ignore" });
  await build({
    root,
    configFile: false,
    logLevel: "warn",
    define: { BUNDLED_FROM: JSON.stringify(originOf(checkout)) },
    plugins: [
      {
        name: "library-of-a-checkout",
        enforce: "pre",
        resolveId: (source, importer) =>
          importer?.startsWith(rooms.bench) && source.startsWith("../src/")
            ? join(checkout, source.slice("../".length))
            : undefined,
      },
    ],
    ssr: { noExternal: true, external: ["webgpu"] },
    build: {
      ssr: join(rooms.bench, entry),
      target: "node20",
      outDir: folder,
      emptyOutDir: false,
      copyPublicDir: false,
      minify: false,
      rolldownOptions: { output: { codeSplitting: false, entryFileNames: `${name}.mjs` } },
    },
  });
  return join(folder, `${name}.mjs`);
}

/**
 * Writes bench.mjs, verify.mjs, compare.mjs, workloads.mjs and the parity cases.
 * @param before another checkout, whose library goes into workloads-before.mjs
 * @returns the files
 */
export async function writeBundle(to: string, before?: string): Promise<string[]> {
  const folder = resolve(to);
  mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  for (const [name, entry] of Object.entries(programs)) files.push(await bundleProgram(folder, name, entry));
  if (before !== undefined)
    files.push(await bundleProgram(folder, "workloads-before", programs.workloads, resolve(before)));
  const cases = [join(root, "..", "shared", "cases"), join(root, "test", "recorded", "cases")].find(existsSync)!;
  mkdirSync(join(folder, "cases"), { recursive: true });
  for (const name of readdirSync(cases).filter((file) => file.endsWith(".safetensors")))
    writeFileSync(join(folder, "cases", name), readFileSync(join(cases, name)));
  return [...files, join(folder, "cases")];
}
