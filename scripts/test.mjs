// npm test: builds what is stale, then runs Vitest; arguments go to Vitest ("npm test -- test/kernels/twins-matmul.test.ts").
// Coverage is measured on request ("npm test -- --coverage"): it makes a run a sixth longer.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const vitest = fileURLToPath(new URL("../vitest.mjs", import.meta.resolve("vitest")));
const root = fileURLToPath(new URL("..", import.meta.url));

function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
    // The terminal sends Ctrl-C to the child too: wait for what it still has to say.
    const ignore = () => {};
    process.on("SIGINT", ignore);
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      process.off("SIGINT", ignore);
      if (signal !== null) console.error(`${args[0]} was ended by ${signal}`);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

const args = process.argv.slice(2);
const built = await run([fileURLToPath(new URL("build.mjs", import.meta.url)), "--if-stale"]);
if (built !== 0) {
  console.error("npm test: the build failed, see above; tests of single files run without it: npx vitest run FILE");
  process.exit(built);
}
process.exitCode = await run([vitest, "run", ...args]);
