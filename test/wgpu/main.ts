/**
 * cd test/wgpu && npm ci && npm test: runs Vitest of the repository in Deno, whose WebGPU is wgpu. Arguments go to Vitest. The driver
 * is found as it is for Dawn: one that is installed, else SwiftShader from npm. Without any, nothing is run, and a line says why.
 * Kernels and parity cases run at WebGPU's default limits; with ALL_LIMITS=1 also at the adapter's.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Attempt, attemptsFor, choiceOf } from "../../src/adapter/node-attempts.ts";
import { nodeSystem } from "../../src/adapter/node-system.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const deno = [join(folder, "node_modules", "deno", "bin.cjs"), "run", "--allow-all"];
const vitest = fileURLToPath(new URL("../vitest.mjs", import.meta.resolve("vitest")));

/** What an attempt changes of the environment. */
async function environmentOf({ vulkan, without = [] }: Attempt): Promise<NodeJS.ProcessEnv> {
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1" };
  for (const name of without) delete (env as NodeJS.ProcessEnv)[name];
  if (vulkan !== "driver") return env;
  const { driver, loader } = await nodeSystem.swiftShader();
  const libraries = [dirname(loader), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
  return { ...env, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: libraries };
}

/** Asks Deno for an adapter. That it does not run at all is a fault, and no reason to skip. */
function ask(env: NodeJS.ProcessEnv): { readonly found: boolean; readonly outcome: string } {
  return JSON.parse(execFileSync(process.execPath, [...deno, join(folder, "adapter.ts")], { env, encoding: "utf8" }));
}

/** The environment in which wgpu has an adapter, or why it has none. */
async function findEnvironment(): Promise<NodeJS.ProcessEnv | string> {
  const choice = choiceOf(undefined, process.env);
  if (choice === "none") return 'the choice is "none"';
  const tried: string[] = [];
  for (const attempt of attemptsFor({ choice, software: true, refuse: () => undefined }, [], nodeSystem)) {
    const env = await environmentOf(attempt).catch((error: Error) => error.message);
    const { found, outcome } = typeof env === "string" ? { found: false, outcome: env } : ask(env);
    if (found) {
      console.log(`wgpu: ${outcome}`);
      return env;
    }
    tried.push(`${attempt.name}: ${outcome}`);
  }
  return tried.join("; ");
}

execFileSync(process.execPath, [join(root, "scripts", "generate.mjs")], { stdio: "inherit" });
const env = await findEnvironment();
if (typeof env === "string") {
  const required = process.env.REQUIRE_GPU === "1";
  console.log(`wgpu: ${required ? "REQUIRE_GPU=1, but" : "all is skipped, because"} there is no adapter (${env})`);
  process.exitCode = required ? 1 : 0;
} else {
  const config = join(folder, "vitest.config.ts");
  const args = [...deno, vitest, "run", "--config", config, ...process.argv.slice(2)];
  const { status, error } = spawnSync(process.execPath, args, { cwd: root, env, stdio: "inherit" });
  if (error) throw error;
  process.exitCode = status ?? 1;
}
