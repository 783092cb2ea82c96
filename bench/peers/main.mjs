// npm run bench:cpu: this library without a GPU beside others, each in a process of its own, in turns (A B C A B C …), so that what
// slows the machine for a while slows all of them. What they compute is compared first; what is wrong is not timed.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { writeSafetensors } from "../../dist/node.js";
import { Contender, contenders, OURS } from "./contenders.mjs";
import { peak } from "./peak.mjs";
import { timeStart } from "./start.mjs";
import { showTargets } from "./targets.mjs";
import { COMPARED_STEPS, numbersOf, works } from "./works.mjs";

if (!existsSync(fileURLToPath(new URL("node_modules", import.meta.url)))) {
  console.error("bench:cpu: what is compared is installed first: npm ci --prefix bench/peers --ignore-scripts");
  process.exit(2);
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = new Command("bench:cpu")
  .description("compare this library without a GPU with ONNX Runtime, TensorFlow.js and PyTorch, in turns")
  .option("--only <text>", "works whose name contains this", "")
  .option("--with <text>", `contenders whose name contains this; ${OURS} is always there`, "")
  .option("--rounds <n>", "measurements of each", Number, 25)
  .option("--round <ms>", "about how long one takes", Number, 60)
  .option("--python <program>", "a Python that has PyTorch", "python3")
  .option("--start [backends]", "time npm start alone, on these backends (gpu,wasm), else on what it chooses")
  .option("--json <file>", "also write the results there, a record a line")
  .parse();
const { only, with: wanted, rounds, round, python, start, json } = program.opts();

/** Differences above this, relative to the largest number, are faults. */
const WRONG = 1e-4;
/** Milliseconds of work before anything is timed: engines compile what runs often. */
const WARM = 500;
/** Milliseconds after which a contender has no more rounds of a work. */
const PATIENCE = 20_000;
/** Threads of who has just worked go to sleep meanwhile. */
const PAUSE = 10;

if (json) writeFileSync(json, "");
const record = (value) => json && appendFileSync(json, `${JSON.stringify(value)}\n`);

function commit() {
  const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  return git("rev-parse", "HEAD") + (git("status", "--porcelain") === "" ? "" : "+");
}

const medianOf = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

function worstDifference(got, expected) {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-30);
  // NaN, which JSON has as null, is a difference too.
  return expected.reduce((worst, x, i) => {
    const difference = got[i] === null ? Number.NaN : Math.abs(got[i] - x) / largest;
    return difference <= worst ? worst : difference;
  }, 0);
}

/** How many units make a round, after a time to warm up. */
async function unitsOf(contender) {
  let units = 1;
  let total = 0;
  for (;;) {
    const { ms } = await contender.ask({ units });
    total += ms;
    const wantedUnits = Math.max(1, Math.round((units * round) / ms));
    if (total > WARM) return wantedUnits;
    units = Math.min(wantedUnits, 8 * units);
  }
}

/** Everyone's milliseconds of a unit, round by round. */
async function measure(work, all, folder) {
  const file = join(folder, "numbers.safetensors");
  const { weights, given } = numbersOf(work);
  const named = (part, tensors) => Object.entries(tensors).map(([name, tensor]) => [`${part}:${name}`, tensor]);
  writeFileSync(file, writeSafetensors(Object.fromEntries([...named("weights", weights), ...named("given", given)])));

  const taking = [];
  let expected;
  for (const contender of all) {
    const { output, missing } = await contender.ask({ prepare: work, file, steps: COMPARED_STEPS });
    if (missing) continue;
    expected ??= output;
    const difference = worstDifference(output, expected);
    if (!(difference < WRONG))
      throw new Error(
        `${work.name}: ${contender.name} differs from ${all[0].name} by ${difference}, so it is not timed`,
      );
    taking.push({ contender, difference, times: [], cpuTimes: [], units: await unitsOf(contender) });
  }
  for (let i = 0; i < rounds; i++) {
    // Who begins changes.
    for (let k = 0; k < taking.length; k++) {
      const { contender, units, times, cpuTimes } = taking[(i + k) % taking.length];
      if (times.length * times[0] * units > PATIENCE) continue;
      await setTimeout(PAUSE);
      const { ms, cpu } = await contender.ask({ units });
      times.push(ms / units);
      cpuTimes.push(cpu / units);
    }
  }
  for (const { contender } of taking) await contender.ask({ dispose: true });
  return taking.map(({ contender, difference, times, cpuTimes }) => ({
    contender: contender.name,
    difference,
    times,
    cpuTimes,
  }));
}

/** How often the time of one is that of the other, of the same rounds: what slowed a round slowed both. */
const ratioOf = (theirs, ours) => medianOf(theirs.slice(0, ours.length).map((ms, i) => ms / ours[i]));

function show(work, results) {
  console.log(`\n${work.name}`);
  const ours = results.find(({ contender }) => contender === OURS);
  return results.map(({ contender, difference, times, cpuTimes }) => {
    const [median, least, most, cpu] = [medianOf(times), Math.min(...times), Math.max(...times), medianOf(cpuTimes)];
    // Of one thread the processor's time is the clock's on a machine that does nothing else.
    const gflops = work.flops / Math.min(least, ...cpuTimes) / 1e6;
    const [ratio, cpuRatio] = [ratioOf(times, ours.times), ratioOf(cpuTimes, ours.cpuTimes)];
    const range = `(${least.toFixed(3)} to ${most.toFixed(3)})`;
    console.log(
      `  ${contender.padEnd(32)} ${median.toFixed(3).padStart(9)} ms ${range.padEnd(22)} ${gflops.toFixed(1).padStart(5)} GFLOP/s  ${ratio.toFixed(2).padStart(6)} of ours; CPU ${cpu.toFixed(3).padStart(9)} ms ${cpuRatio.toFixed(2).padStart(6)}`,
    );
    const figures = { median, least, gflops, ratio, cpu, cpuRatio, difference };
    const result = { type: "result", work: work.name, kind: work.kind, contender, ...figures };
    const rounded = (all) => all.map((ms) => Number(ms.toPrecision(4)));
    record({ ...result, times: rounded(times), cpuTimes: rounded(cpuTimes) });
    return result;
  });
}

/** What is measured on. */
async function describeMachine() {
  const machine = {
    type: "machine",
    date: new Date().toISOString(),
    commit: commit(),
    processor: cpus()[0].model,
    cores: cpus().length,
    node: process.versions.node,
    contenders: Object.fromEntries(all.map(({ name, about }) => [name, about])),
    peak: await peak(),
  };
  record(machine);
  const { processor, cores, node } = machine;
  console.log(`${processor}, ${cores} cores, Node ${node}, ${machine.commit}`);
  console.log(
    `128-bit multiplications and additions in WebAssembly, without memory: ${machine.peak.toFixed(1)} GFLOP/s a thread`,
  );
}

async function measureStart() {
  await describeMachine();
  for (const backend of start === true ? [""] : start.split(",")) {
    const measured = await timeStart(root, backend);
    record({ type: "start", ...measured });
    const { seconds, steps, validationLoss, reason, sample } = measured;
    console.log(`\nnpm start on ${measured.backend} (${reason})`);
    console.log(`${seconds.toFixed(1)} s, ${steps} steps, validation loss ${validationLoss.toFixed(3)}\n${sample}`);
  }
}

const all = [];
if (start) {
  await measureStart();
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-bench-"));
try {
  const chosen = Object.entries(contenders(python)).filter(([name]) => name === OURS || name.includes(wanted));
  for (const [name, command] of chosen) {
    try {
      all.push(await Contender.start(name, command));
    } catch (error) {
      if (name === OURS) throw error;
      console.error(`${name} is left out: ${error.message.split("\n")[0]}`);
    }
  }
  await describeMachine();
  for (const { name, about } of all) console.log(`  ${name}: ${about}`);

  const results = [];
  for (const work of works.filter(({ name }) => name.includes(only)))
    results.push(...show(work, await measure(work, all, folder)));
  for (const target of showTargets(results)) record({ type: "target", ...target });
} finally {
  for (const contender of all) contender.end();
  rmSync(folder, { recursive: true });
}
