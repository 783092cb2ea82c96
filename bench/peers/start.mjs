// How long `npm start` takes, from nothing to its sample.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/**
 * Runs it in an empty folder.
 * @param root the checkout, built
 * @param backend "" for what it chooses itself, else what `--backend` is given
 */
export async function timeStart(root, backend) {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const [program, file, ...args] = scripts.start.split(" ");
  if (program !== "node") throw new Error(`npm start is no longer a program of Node: ${scripts.start}`);
  const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-start-"));
  try {
    const start = performance.now();
    const own = backend === "" ? [] : ["--backend", backend];
    const child = spawn(process.execPath, [join(root, file), ...args, ...own, "--json"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const last = {};
    for await (const line of createInterface({ input: child.stdout })) {
      const record = JSON.parse(line);
      last[record.type] = record;
    }
    const seconds = (performance.now() - start) / 1000;
    if (!last.end) throw new Error(`npm start ended early: ${JSON.stringify(last.error)}`);
    const { step, loss } = last.validation;
    const { config, reason } = last.start;
    return {
      backend: last.start.backend,
      reason,
      seconds,
      steps: step,
      validationLoss: loss,
      config,
      sample: last.sample.text,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
