// npm run mutations:typescript [-- --sample 300 --seed 1 --only src/train --tests test/train]: puts small mistakes into the TypeScript, one at a
// time, and shows which the tests notice. First all tests run without a mistake, to see which tests reach which of them; then
// for each mistake those that reach it, on the CPU backend first, the quickest first, up to --seconds of their time. Nothing is
// written into src: Vitest hands the changed file to the tests. The table goes to the standard output, the rest to the standard
// error. Exit code 2: the check itself could not be made.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { mutantsOf, withMarks, withMutant } from "./mutants.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = ["train", "graph", "plan", "gpu", "infer", "nn", "runtime", "io"];

const { values: options } = parseArgs({
  options: {
    sample: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "src/" },
    tests: { type: "string", default: "test/" },
    seconds: { type: "string", default: "60" },
    jobs: { type: "string", default: "2" },
    "cpu-only": { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});
const [sample, seed, seconds, jobs] = ["sample", "seed", "seconds", "jobs"].map((name) => {
  const value = Number(options[name]);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} is ${options[name]}, expected a count`);
  return value;
});

class CheckError extends Error {}
const log = (text) => process.stderr.write(`${text}\n`);
const textOf = (file) => readFileSync(join(root, file), "utf8");
/** `src/gpu/gpu-plan.ts` is of gpu, `src/runtime.ts` of runtime. */
const folderOf = (file) => file.split("/")[1].replace(/\.ts$/, "");

function sources() {
  return readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => posix.join(...relative(root, join(entry.parentPath, entry.name)).split(/[\\/]/)))
    .filter((file) => folders.includes(folderOf(file)) && file.startsWith(options.only))
    .sort();
}

/** Numbers from 0 to 1, the same for the same seed: a Weyl sequence, mixed as in MurmurHash3. */
function random(state) {
  let x = state >>> 0;
  return () => {
    x = (x + 0x9e3779b9) >>> 0;
    let z = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}

function drawn(all) {
  const next = random(seed);
  const left = [...all];
  const chosen = Array.from(
    { length: Math.min(sample, all.length) },
    () => left.splice(Math.floor(next() * left.length), 1)[0],
  );
  return chosen
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.start - b.start))
    .map((mutant, id) => ({ ...mutant, id }));
}

/** Runs under way; each is a group of processes. */
const children = new Set();
const kill = (child) => {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
};
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => {
    for (const child of children) kill(child);
    rmSync(temporary, { recursive: true, force: true });
    process.exit(130);
  });

const temporary = mkdtempSync(join(tmpdir(), "webgpu-rnn-mutants-"));
let runs = 0;

/**
 * Runs Vitest on files with a job for mutants-vitest.config.mjs. A run that takes longer than `limit` seconds is ended: some
 * mistakes make loops endless.
 */
async function vitest(job, files, { adapter, limit }) {
  const name = join(temporary, `${runs++}`);
  writeFileSync(`${name}.job`, JSON.stringify(job));
  const program = fileURLToPath(new URL("../vitest.mjs", import.meta.resolve("vitest")));
  const config = join(root, "scripts", "mutants-vitest.config.mjs");
  const child = spawn(
    process.execPath,
    [program, "run", "--config", config, "--outputFile", `${name}.json`, ...files],
    {
      cwd: root,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...(adapter && { WEBGPU_RNN_ADAPTER: adapter }), MUTANTS_JOB: `${name}.job` },
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  let endless = false;
  const timer = setTimeout(() => {
    endless = true;
    kill(child);
  }, limit * 1000);
  children.add(child);
  await new Promise((resolve) => child.on("close", resolve));
  children.delete(child);
  clearTimeout(timer);
  if (endless) return { endless, failures: [] };
  let report;
  try {
    report = JSON.parse(readFileSync(`${name}.json`, "utf8"));
  } catch {
    return { endless, failures: [{ file: "Vitest", name: "made no report", message: output }] };
  }
  const failures = report.testResults.flatMap(({ name: path, status, message, assertionResults }) => {
    const file = relative(root, path);
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (failed.length === 0 && status === "failed") return [{ file, name: "as a whole", message }];
    return failed.map((test) => ({ file, name: test.fullName, message: test.failureMessages[0] ?? "" }));
  });
  const ran = report.testResults.flatMap((file) => file.assertionResults).filter((test) => test.status !== "skipped");
  return { endless, failures, ran: ran.length };
}

/** Which tests reach which mutants, without any mistake. */
async function reachedBy(mutants, adapter) {
  const marks = join(temporary, `marks-${adapter ?? "gpu"}`);
  writeFileSync(marks, "");
  const files = [...new Set(mutants.map(({ file }) => file))];
  const marked = Object.fromEntries(
    files.map((file) => [
      file,
      withMarks(
        textOf(file),
        mutants.filter((mutant) => mutant.file === file),
      ),
    ]),
  );
  const began = performance.now();
  const { endless, failures } = await vitest({ sources: marked, marks, workers: jobs }, [options.tests], {
    adapter,
    limit: 7200,
  });
  if (endless) throw new CheckError("without any mistake the tests did not end within two hours");
  // They would notice everything.
  const broken = new Set(failures.map(({ file, name }) => `${file} > ${name}`));
  for (const name of broken) log(`fails without any mistake, and is left out: ${name}`);
  /** By mutant: tests with their files and times, the quickest first. */
  const tests = new Map(mutants.map(({ id }) => [id, []]));
  for (const line of readFileSync(marks, "utf8").trim().split("\n")) {
    const { file, always, tests: all } = JSON.parse(line);
    for (const { name, ms, reached } of all.filter((test) => !broken.has(`${file} > ${test.name}`)))
      for (const id of new Set([...always, ...reached])) tests.get(id).push({ file, name, ms });
  }
  for (const list of tests.values()) list.sort((a, b) => a.ms - b.ms);
  const unreached = [...tests.values()].filter((list) => list.length === 0).length;
  const took = ((performance.now() - began) / 1000).toFixed(0);
  log(
    `without a mistake, ${adapter ? "CPU backend" : "with the adapter"}: ${took} s; ${unreached} places that no test reaches`,
  );
  return tests;
}

/** Runs the tests that reach a mutant, the quickest first, until the time is spent. */
async function noticed(mutant, all, adapter) {
  const tests = [];
  let ms = 0;
  for (const test of all) {
    if (ms > seconds * 1000) break;
    ms += test.ms;
    tests.push(test);
  }
  if (tests.length === 0) return undefined;
  const changed = { [mutant.file]: withMutant(textOf(mutant.file), mutant) };
  const job = { sources: changed, names: [...new Set(tests.map(({ name }) => name))], workers: 1 };
  const files = [...new Set(tests.map(({ file }) => file))];
  const { endless, failures, ran } = await vitest(job, files, {
    adapter,
    limit: 60 + 5 * files.length + (5 * ms) / 1000,
  });
  if (endless) return "did not end";
  const [first] = failures;
  if (!first && ran === 0) throw new CheckError(`no test ran of ${tests.length} that reach ${showMutant(mutant)}`);
  if (!first && ran < tests.length) log(`of ${tests.length} tests only ${ran} ran`);
  return first && `${first.file.replace(/^test\//, "")} > ${first.name}`;
}

const short = (text) => {
  const line = text.replace(/\s+/g, " ");
  return line.length > 70 ? `${line.slice(0, 67)}...` : line;
};
const code = (text) => `\`${short(text).replaceAll("|", "\\|").replaceAll("`", "'") || " "}\``;
const showMutant = ({ file, line, from, to, statement }) =>
  `${file}:${line} ${code(from)} → ${statement ? "left out" : code(to)}`;

async function main() {
  execFileSync(process.execPath, [join(root, "scripts", "shaders.mjs")], { cwd: root, stdio: ["ignore", 2, 2] });
  const all = sources().flatMap((file) => mutantsOf(file, textOf(file)));
  const mutants = drawn(all);
  log(`${mutants.length} of ${all.length} mutants, seed ${seed}`);
  if (options.list) {
    for (const mutant of mutants) console.log(showMutant(mutant));
    return 0;
  }
  const onCpu = await reachedBy(mutants, "none");
  const outcome = new Map();
  const inTurn = async (list, adapter, reached) => {
    const queue = [...list];
    const work = async () => {
      for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
        const by = await noticed(mutant, reached.get(mutant.id), adapter);
        outcome.set(mutant.id, by);
        log(`${showMutant(mutant)}: ${by ?? `NOT NOTICED by ${reached.get(mutant.id).length} tests that reach it`}`);
      }
    };
    await Promise.all(Array.from({ length: jobs }, work));
  };
  await inTurn(mutants, "none", onCpu);
  const left = mutants.filter(({ id }) => outcome.get(id) === undefined);
  let onGpu;
  if (left.length > 0 && !options["cpu-only"]) {
    log(`${left.length} left for the tests that need an adapter`);
    process.env.REQUIRE_GPU = "1";
    const reached = await reachedBy(left, undefined);
    // What ran on the CPU backend alone would say the same again.
    const known = new Map(
      left.map(({ id }) => [id, new Set(onCpu.get(id).map(({ file, name }) => `${file} ${name}`))]),
    );
    onGpu = new Map(
      [...reached].map(([id, list]) => [id, list.filter(({ file, name }) => !known.get(id).has(`${file} ${name}`))]),
    );
    await inTurn(left, undefined, onGpu);
  }
  const lines = ["| folder | mutants | noticed | share |", "|---|---|---|---|"];
  const row = (name, some) => {
    const found = some.filter(({ id }) => outcome.get(id) !== undefined).length;
    lines.push(`| ${name} | ${some.length} | ${found} | ${((100 * found) / some.length).toFixed(0)} % |`);
  };
  for (const folder of folders) {
    const some = mutants.filter(({ file }) => folderOf(file) === folder);
    if (some.length > 0) row(`src/${folder}`, some);
  }
  row("all", mutants);
  lines.push("", "Not noticed:", "");
  for (const mutant of mutants) {
    if (outcome.get(mutant.id) !== undefined) continue;
    const reached = onCpu.get(mutant.id).length + (onGpu?.get(mutant.id).length ?? 0);
    lines.push(`- ${showMutant(mutant)} (${reached === 0 ? "no test reaches it" : `${reached} tests reach it`})`);
  }
  console.log(lines.join("\n"));
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  log(`mutations: ${error instanceof CheckError ? error.message : error.stack}`);
  process.exitCode = 2;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
