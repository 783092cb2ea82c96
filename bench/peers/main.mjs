// npm run bench:cpu, npm run bench:peers, bench/gpu/run.sh: this library beside others, each in a process of its own, in turns
// (A B C A B C …), so that what slows the machine for a while slows all of them. What they compute is compared first; what is wrong
// is not timed.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Argument, Command } from "commander";
import { Contender, comparisons } from "./contenders.mjs";
import { markdownOf } from "./markdown.mjs";
import { measure } from "./measure.mjs";
import { timeStart } from "./start.mjs";
import { showTargets } from "./targets.mjs";
import { works } from "./works.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = new Command("bench/peers/main.mjs")
  .description(
    Object.values(comparisons)
      .map(({ command, description }) => `${command}: ${description}`)
      .join("\n"),
  )
  .addArgument(new Argument("<comparison>").choices(Object.keys(comparisons)))
  .option("--only <text>", "works whose name contains this", "")
  .option("--with <text>", "contenders whose name contains this; this library is always there", "")
  .option("--rounds <n>", "measurements of each", Number, 25)
  .option("--round <ms>", "about how long one takes", Number, 60)
  .option("--steps <n>", "of pytorch: no sequence is longer than this", Number, Number.POSITIVE_INFINITY)
  .option("--python <program>", "a Python that has PyTorch", "python3")
  .option("--start [backends]", "of cpu: time npm start alone, on these backends (gpu,wasm), else on what it chooses")
  .option("--json <file>", "also write the results there, a record a line")
  .option("--markdown <file>", "measure nothing, and print the results in this file as tables")
  .parse();
const [comparison] = program.processedArgs;
const { only, with: wanted, rounds, round, steps, python, start, json, markdown } = program.opts();
const { ours, contenders, within = {} } = comparisons[comparison];

if (markdown) {
  const lines = readFileSync(markdown, "utf8").trim().split("\n");
  console.log(markdownOf(lines.map((line) => JSON.parse(line))));
  process.exit(0);
}
if (comparison !== "pytorch" && !existsSync(fileURLToPath(new URL("node_modules", import.meta.url)))) {
  console.error("what is compared is installed first: npm ci --prefix bench/peers --ignore-scripts");
  process.exit(2);
}

const record = (value) => json && appendFileSync(json, `${JSON.stringify(value)}\n`);

/** The commit, with "+" for changes that are not committed; packed files have it beside them. */
function commit() {
  const packed = join(root, "commit.txt");
  if (existsSync(packed)) return readFileSync(packed, "utf8").trim();
  const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  return git("rev-parse", "HEAD") + (git("status", "--porcelain") === "" ? "" : "+");
}

// The file of results is a change, too.
const measuredCommit = commit();
if (json) writeFileSync(json, "");

const medianOf = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

/** How often the time of one is that of the other, of the same rounds: what slowed a round slowed both. */
const ratioOf = (theirs, ours) => medianOf(theirs.slice(0, ours.length).map((ms, i) => ms / ours[i]));

function show(work, { results, refused }) {
  console.log(`\n${work.name}`);
  for (const { contender, why } of refused) {
    console.log(`  ${contender.padEnd(32)} not timed: ${why}`);
    record({ type: "refused", work: work.name, kind: work.kind, contender, why });
    process.exitCode = 1;
  }
  const own = results.find(({ contender }) => contender === ours);
  return results.map(({ contender, difference, times, cpuTimes }) => {
    const [median, least, most, cpu] = [medianOf(times), Math.min(...times), Math.max(...times), medianOf(cpuTimes)];
    const [ratio, cpuRatio] = [ratioOf(times, own.times), ratioOf(cpuTimes, own.cpuTimes)];
    // Of one thread the processor's time is the clock's on a machine that does nothing else. A GPU's time is the clock's.
    const alone = comparison === "cpu" ? Math.min(least, ...cpuTimes) : least;
    const gflops = work.flops === undefined ? undefined : work.flops / alone / 1e6;
    const range = `(${least.toFixed(3)} to ${most.toFixed(3)})`;
    const rate = gflops === undefined ? "" : ` ${gflops.toFixed(1).padStart(5)} GFLOP/s`;
    const step = work.steps === undefined ? "" : ` ${((1000 * median) / work.steps).toFixed(2).padStart(8)} µs a step`;
    console.log(
      `  ${contender.padEnd(32)} ${median.toFixed(3).padStart(9)} ms ${range.padEnd(22)}${rate}${step}  ${ratio.toFixed(2).padStart(6)} of ours; CPU ${cpu.toFixed(3).padStart(9)} ms ${cpuRatio.toFixed(2).padStart(6)}`,
    );
    const figures = { median, least, gflops, ratio, cpu, cpuRatio, difference };
    const result = { type: "result", work: work.name, kind: work.kind, steps: work.steps, contender, ...figures };
    const rounded = (all) => all.map((ms) => Number(ms.toPrecision(4)));
    record({ ...result, times: rounded(times), cpuTimes: rounded(cpuTimes) });
    return result;
  });
}

/** What is measured on. */
async function describeMachine() {
  const machine = {
    type: "machine",
    comparison,
    ours,
    date: new Date().toISOString(),
    commit: measuredCommit,
    processor: cpus()[0].model,
    cores: cpus().length,
    // Of the last minute: above 0.5 others are at work, too.
    load: loadavg()[0],
    node: process.versions.node,
    adapter: all[0]?.adapter,
    contenders: Object.fromEntries(all.map(({ name, about }) => [name, about])),
    // Its compiler is a package for developers, which is not packed.
    ...(comparison === "cpu" && { peak: await (await import("./peak.mjs")).peak() }),
  };
  record(machine);
  const { processor, cores, load, node } = machine;
  console.log(`${processor}, ${cores} cores, load ${load.toFixed(1)}, Node ${node}, ${machine.commit}`);
  if (machine.peak !== undefined)
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
  const chosen = Object.entries(contenders(python)).filter(([name]) => name === ours || name.includes(wanted));
  for (const [name, command] of chosen) {
    try {
      all.push(await Contender.start(name, command));
    } catch (error) {
      if (name === ours) throw error;
      console.error(`${name} is left out: ${error.message.split("\n")[0]}`);
    }
  }
  await describeMachine();
  for (const { name, about } of all) console.log(`  ${name}: ${about}`);

  const results = [];
  for (const work of works[comparison]({ steps }).filter(({ name }) => name.includes(only)))
    results.push(...show(work, await measure(work, all, { rounds, round, folder, within })));
  for (const target of showTargets(results, ours)) record({ type: "target", ...target });
} finally {
  for (const contender of all) contender.end();
  rmSync(folder, { recursive: true });
}
