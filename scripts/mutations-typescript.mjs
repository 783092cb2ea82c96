// npm run mutations:typescript [-- --sample 300 --seed 1 --only src/train --tests test/train]: puts small mistakes into the
// TypeScript and shows which of them the tests notice. All mistakes are in the code at once, each behind a switch, so that one
// process tries many: every test runs without a mistake, and then again with each that it reached (see mutants-runner.mjs). Tests
// of up to 250 ms are first, then those of up to two seconds, then the others, up to --seconds for a mistake; all on the CPU
// backend, and with an adapter what is left. Nothing is written into src: Vitest hands the changed files to the tests. With
// --results FILE a later run goes on with what was not noticed. The table goes to the standard output, the rest to the standard
// error. Exit code 2: the check itself could not be made.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { mutantsOf, withSwitches } from "./mutants.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = ["train", "graph", "plan", "gpu", "infer", "nn", "runtime", "io"];

const { values: options } = parseArgs({
  options: {
    sample: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "src/" },
    tests: { type: "string", multiple: true, default: ["test/"] },
    seconds: { type: "string", default: "60" },
    jobs: { type: "string", default: "2" },
    results: { type: "string" },
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

/** Not those of other programs' builds, of a browser, or about the source's text. */
function testFiles() {
  return readdirSync(join(root, "test"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .map((entry) => posix.join(...relative(root, join(entry.parentPath, entry.name)).split(/[\\/]/)))
    .filter(
      (file) =>
        options.tests.some((part) => file.includes(part)) && !/^test\/(demo|bench)\/|^test\/layering/.test(file),
    )
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
const kill = (pid) => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
};
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => {
    for (const child of children) kill(-child.pid);
    rmSync(temporary, { recursive: true, force: true });
    process.exit(130);
  });

const temporary = mkdtempSync(join(tmpdir(), "webgpu-rnn-mutants-"));
let runs = 0;

const linesOf = (path) =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const fileOfTest = (test) => test.slice(0, test.indexOf(" > "));

/**
 * Runs Vitest on files with a job for mutants-runner.mjs, and ends what takes too long: some mistakes make loops endless, or
 * end their process. Gives what the runner told.
 */
async function vitest(job, files, adapter) {
  const name = join(temporary, `${runs++}`);
  const events = `${name}.events`;
  writeFileSync(events, (job.before ?? []).map((event) => `${JSON.stringify(event)}\n`).join(""));
  writeFileSync(`${name}.job`, JSON.stringify({ ...job, before: undefined, events }));
  const program = fileURLToPath(new URL("../vitest.mjs", import.meta.resolve("vitest")));
  const child = spawn(
    process.execPath,
    [program, "run", "--config", join(root, "scripts", "mutants-vitest.config.mjs"), ...files],
    {
      cwd: root,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...(adapter && { WEBGPU_RNN_ADAPTER: adapter }), MUTANTS_JOB: `${name}.job` },
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  children.add(child);
  const ended = new Set();
  const timer = setInterval(() => {
    for (const { pid, at, limit } of lastOf(linesOf(events)))
      if (Date.now() > at + limit && !ended.has(pid)) {
        ended.add(pid);
        kill(pid);
      }
  }, 1000);
  const deadline = setTimeout(() => kill(-child.pid), (job.deadline ?? 7200) * 1000);
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearInterval(timer);
  clearTimeout(deadline);
  children.delete(child);
  const told = linesOf(events);
  for (const { id, test, pid } of lastOf(told))
    if (id >= 0) told.push({ type: "noticed", id, test, how: ended.has(pid) ? "does not end" : "ends the process" });
  return { told, code, output };
}

/** What each process did last, where it did not say how that ended. */
function lastOf(told) {
  const last = new Map();
  for (const event of told) if (event.pid) last.set(event.pid, event);
  return [...last.values()].filter(({ type }) => type === "begins");
}

/** Writes --results. */
let save = () => {};
/** All that is known: from every run on the CPU backend, and then from every run with an adapter. */
let known = [];
/** By mutant, the test that noticed it. */
const outcome = new Map();

/** Runs files until each has come to its end: a process that a mistake ended leaves tests that have not run. */
async function attempts(job, files, adapter) {
  const complete = new Set();
  for (let left = files, round = 0; left.length > 0 && round < 40; round++) {
    const before = known.filter(({ type }) => ["noticed", "passed", "unrepeatable"].includes(type));
    const { told, output } = await vitest({ ...job, before, workers: jobs }, left, adapter);
    const fresh = told.slice(before.length);
    known.push(...fresh);
    for (const { type, file } of fresh) if (type === "file") complete.add(file);
    for (const { id, test, how } of fresh.filter(({ type }) => type === "noticed")) {
      if (outcome.has(id)) continue;
      outcome.set(id, `${test.replace(/^test\//, "")}${how ? ` (${how})` : ""}`);
    }
    const next = left.filter((file) => !complete.has(file));
    // Nothing was begun in these.
    if (next.length === left.length && !fresh.some(({ type }) => type === "begins")) {
      log(`did not run: ${next.join(", ")}\n${output.slice(-2000)}`);
      break;
    }
    left = next;
    save();
    log(`  ${left.length} files are to be run again; ${outcome.size} noticed`);
  }
}

/** Tests that pass without a mistake: by name, their time and the mutants that they reach. */
function passing() {
  const tests = new Map();
  for (const { type, test, ms, failed, reached } of known)
    if (type === "clean" && !failed) tests.set(test, { ms, reached });
  return tests;
}

/** The tests of a mutant, the quickest first, up to --seconds of their time. */
function within(tests) {
  let ms = 0;
  return tests
    .sort((a, b) => a.ms - b.ms)
    .filter((test) => {
      ms += test.ms;
      return ms <= seconds * 1000;
    });
}

/** Runs the tests that reach these mutants, those that take little time first. */
async function attemptAll(mutants, sources, files, adapter) {
  const ids = mutants.map(({ id }) => id);
  const left = () => ids.filter((id) => !outcome.has(id));
  const job = { sources, mutants: ids, longest: 250, budget: seconds * 1000 };
  const skipped = known.filter(({ type }) => type === "skipped").map(({ test }) => test);
  const tests = adapter ? undefined : Object.fromEntries(skipped.map((test) => [test, null]));
  known = known.filter(({ type }) => type !== "skipped");
  log(`${ids.length} mutants and tests of up to ${job.longest} ms, ${adapter ? "CPU backend" : "with the adapter"}`);
  await attempts({ ...job, tests }, tests ? [...new Set(skipped.map(fileOfTest))] : files, adapter);
  for (const longest of [2000, Infinity]) {
    const wanted = {};
    const made = new Set(known.filter(({ type }) => type === "passed").map(({ id, test }) => `${id} ${test}`));
    for (const id of left()) {
      const reaching = [...passing()]
        .filter(([, { reached }]) => reached.includes(id))
        .map(([test, { ms }]) => ({ test, ms }));
      for (const { test, ms } of within(reaching))
        if (ms <= longest && !made.has(`${id} ${test}`)) wanted[test] = [...(wanted[test] ?? []), id];
    }
    const some = [...new Set(Object.keys(wanted).map(fileOfTest))];
    log(`${left().length} left, for tests of up to ${longest} ms in ${some.length} files`);
    if (some.length > 0) await attempts({ ...job, tests: wanted }, some, adapter);
  }
  // What is reached as a file is loaded, and what cannot run twice in a process, has a process for each mutant.
  const alone = left()
    .map((id) => ({ id, tests: testsForProcess(id) }))
    .filter(({ tests: some }) => some.length > 0);
  log(`${left().length} left, ${alone.length} of them for processes of their own`);
  const work = async () => {
    for (let next = alone.shift(); next; next = alone.shift()) {
      const { id, tests: some } = next;
      const only = Object.fromEntries(some.map(({ test }) => [test, null]));
      const deadline = 60 + (10 * some.reduce((sum, { ms }) => sum + ms, 0)) / 1000;
      const { told, code, output } = await vitest(
        { sources, active: id, tests: only, workers: 1, deadline },
        [...new Set(some.map(({ test }) => fileOfTest(test)))],
        adapter,
      );
      const ran = told.filter(({ type }) => type === "ran");
      const by =
        ran.find(({ failed }) => failed)?.test ?? (code === 0 ? undefined : `${fileOfTest(some[0].test)} as a whole`);
      if (by) outcome.set(id, by.replace(/^test\//, ""));
      else if (ran.length === 0) log(`no test ran for mutant ${id}: ${output.slice(-500)}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
}

/** At most six files, the quickest first. */
function testsForProcess(id) {
  const loading = new Set(
    known.filter(({ type, always }) => type === "file" && always.includes(id)).map(({ file }) => file),
  );
  const once = new Set(known.filter(({ type }) => type === "unrepeatable").map(({ test }) => test));
  const tests = [...passing()]
    .map(([test, { ms, reached }]) => ({ test, ms, reached }))
    .filter(({ test, reached }) => loading.has(fileOfTest(test)) || (once.has(test) && reached.includes(id)));
  const byFile = new Map();
  for (const test of tests) byFile.set(fileOfTest(test.test), [...(byFile.get(fileOfTest(test.test)) ?? []), test]);
  const files = [...byFile.values()].map((list) => ({ list, ms: list.reduce((sum, { ms }) => sum + ms, 0) }));
  return within(
    files
      .sort((a, b) => a.ms - b.ms)
      .slice(0, 6)
      .flatMap(({ list }) => list),
  );
}

const short = (text) => {
  const line = text.replace(/\s+/g, " ");
  return line.length > 70 ? `${line.slice(0, 67)}...` : line;
};
const code = (text) => `\`${short(text).replaceAll("|", "\\|").replaceAll("`", "'") || " "}\``;
const showMutant = ({ file, line, from, to, statement }) =>
  `${file}:${line} ${code(from)} → ${statement ? "left out" : code(to)}`;

/** The same at another place of its file: which of those alike it is. */
function keys(mutants) {
  const counts = new Map();
  return mutants.map(({ file, from, to }) => {
    const name = JSON.stringify([file, from, to]);
    counts.set(name, (counts.get(name) ?? -1) + 1);
    return `${name} ${counts.get(name)}`;
  });
}

/** Draws mutants, or takes those of an earlier run, of which only those are tried that nothing noticed. */
function chosen() {
  const all = sources().flatMap((file) => mutantsOf(file, textOf(file)));
  const names = keys(all);
  const { results } = options;
  if (!results || !existsSync(results)) {
    const mutants = drawn(all.map((mutant, i) => ({ ...mutant, key: names[i] })));
    log(`${mutants.length} of ${all.length} mutants, seed ${seed}`);
    return mutants;
  }
  const before = JSON.parse(readFileSync(results, "utf8"));
  const places = new Map(names.map((name, i) => [name, all[i]]));
  const mutants = before.flatMap(({ key, by }) => {
    const mutant = places.get(key);
    if (!mutant) log(`no longer there: ${key}`);
    return mutant ? [{ ...mutant, key, by }] : [];
  });
  mutants.forEach(({ by }, id) => {
    if (by) outcome.set(id, by);
  });
  log(`${mutants.length} mutants of ${results}, ${outcome.size} noticed`);
  return mutants.map((mutant, id) => ({ ...mutant, id }));
}

async function main() {
  execFileSync(process.execPath, [join(root, "scripts", "generate.mjs")], { cwd: root, stdio: ["ignore", 2, 2] });
  const mutants = chosen();
  if (options.list) {
    for (const mutant of mutants) console.log(showMutant(mutant));
    return 0;
  }
  save = () => {
    const text = mutants.map(({ id, key }) => ({ key, by: outcome.get(id) ?? null }));
    if (options.results) writeFileSync(options.results, `${JSON.stringify(text, null, 1)}\n`);
  };
  const changed = Object.fromEntries(
    [...new Set(mutants.map(({ file }) => file))].map((file) => [
      file,
      withSwitches(
        textOf(file),
        mutants.filter((mutant) => mutant.file === file),
      ),
    ]),
  );
  const left = () => mutants.filter(({ id }) => !outcome.has(id));
  await attemptAll(left(), changed, testFiles(), "none");
  save();
  const reaching = new Map(mutants.map(({ id }) => [id, 0]));
  const count = () => {
    for (const { reached } of passing().values()) for (const id of reached) reaching.set(id, reaching.get(id) + 1);
  };
  count();
  if (left().length > 0 && !options["cpu-only"]) {
    process.env.REQUIRE_GPU = "1";
    known = known.filter(({ type }) => type === "skipped");
    await attemptAll(left(), changed, [], undefined);
    save();
    count();
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
    const reached = reaching.get(mutant.id);
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
