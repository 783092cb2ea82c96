// npm run bench:scale: one training step here on WebAssembly, and in the exported PyTorch project on one process and on two, in turns.
// Beside the clock's time stands the processor's, of all threads and processes: what the clock would tell of one core on a machine
// that does nothing else. docs/scale.md has the table.
import { spawnSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { ownText } from "../src/cli/default-text.ts";
import { type CharModelOptions, prepareText, Runtime, saveCheckpoint, startTraining } from "../src/node.ts";
import { exportPyTorch } from "../src/pytorch/index.ts";

const { python, only, rounds, steps, json } = new Command("bench:scale")
  .description("time a training step here, and in the exported PyTorch project on one process and on two")
  .option("--python <program>", "a Python that has PyTorch", "python3")
  .option("--only <expression>", "works and contenders, as in L 2: .*1 thread", "")
  .option("--rounds <n>", "measurements of each", Number, 5)
  .option("--steps <n>", "steps of a measurement", Number, 12)
  .option("--json <file>", "also write the results there, a record a line")
  .parse()
  .opts<{ python: string; only: string; rounds: number; steps: number; json?: string }>();

interface Work {
  readonly name: string;
  readonly config: Omit<CharModelOptions, "vocabSize">;
  readonly window: number;
  readonly batch: number;
}
const works: readonly Work[] = [
  { name: "B 32, T 64, E 64, H 128", config: { embeddingDim: 64, hiddenSize: 128 }, window: 64, batch: 32 },
  {
    name: "B 32, T 64, E 64, H 256, L 2",
    config: { embeddingDim: 64, hiddenSize: 256, numLayers: 2 },
    window: 64,
    batch: 32,
  },
];

/** Milliseconds of a step. */
interface Time {
  readonly clock: number;
  readonly processor: number;
}

/** Steps before those that are timed: plans are compiled, memory is taken. */
const WARM = 2;
const median = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

/** A folder with the project of a training that has done one step, and what goes on with it here. */
async function prepare({ config, window, batch }: Work, folder: string) {
  const { text } = await ownText();
  const { vocabulary, training: windows, fingerprint } = prepareText(text, { window, batch });
  const settings = {
    window,
    batch,
    optimizer: { name: "adam", lr: 1e-3 },
    clipNorm: 1,
    seed: 1,
    validationFraction: 0,
    text: fingerprint,
  } as const;
  const begin = (runtime: Runtime) => startTraining(runtime, { config, vocabulary, training: settings });
  const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
  const training = begin(runtime);
  for await (const _ of training.trainer.fit(windows.from(0), { steps: 1 })) void _;
  for (const [name, content] of Object.entries(exportPyTorch(await saveCheckpoint(training), { text })))
    writeFileSync(join(folder, name), content);
  runtime.dispose();
  return async (threads: number): Promise<Time> => {
    const own = await Runtime.open({ backend: "wasm", threads });
    const { trainer } = begin(own);
    for await (const _ of trainer.fit(windows.from(0), { steps: WARM })) void _;
    const before = process.cpuUsage();
    const clocks: number[] = [];
    let last = performance.now();
    for await (const _ of trainer.fit(windows.from(WARM), { steps })) {
      clocks.push(performance.now() - last);
      last = performance.now();
    }
    const { user, system } = process.cpuUsage(before);
    own.dispose();
    return { clock: median(clocks), processor: (user + system) / 1000 / steps };
  };
}

/** Runs a command and says of each line when it came, and how much of the processor the command and its children had taken. */
const TIMED = `import os, subprocess, sys, time
def taken(root):
    stats = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        except OSError:
            continue
        stats[int(pid)] = (int(fields[1]), int(fields[11]) + int(fields[12]))
    below = lambda pid: pid == root or (pid in stats and below(stats[pid][0]))
    return sum(ticks for pid, (_, ticks) in stats.items() if below(pid)) / os.sysconf("SC_CLK_TCK")
ran = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
for line in ran.stdout:
    if line.startswith("step "): print(time.perf_counter(), taken(ran.pid))
sys.exit(ran.wait())`;

function timePyTorch(folder: string, processes: number, threads: number): Time {
  const file = join(folder, "again.safetensors");
  copyFileSync(join(folder, "training.safetensors"), file);
  const launcher =
    processes === 1 ? [] : ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", String(processes)];
  const script = [
    join(folder, "train.py"),
    "--file",
    file,
    "--steps",
    String(1 + WARM + steps),
    "--checkpoint-every",
    "0",
  ];
  const { stdout, stderr, status } = spawnSync(python, ["-c", TIMED, python, ...launcher, ...script], {
    encoding: "utf8",
    env: { ...process.env, OMP_NUM_THREADS: String(threads) },
  });
  if (status !== 0) throw new Error(stderr);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" ").map(Number) as [number, number]);
  const timed = lines.slice(WARM - 1);
  const clocks = timed.slice(1).map(([at], i) => 1000 * (at - timed[i]![0]));
  return { clock: median(clocks), processor: (1000 * (timed.at(-1)![1] - timed[0]![1])) / steps };
}

if (json) writeFileSync(json, "");
const machine = { date: new Date().toISOString(), cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
console.log(
  `${machine.cpu}, ${machine.cores} cores; of the last minute ${loadavg()[0]!.toFixed(1)} programs wanted to run`,
);
for (const work of works) {
  const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-scale-"));
  const here = await prepare(work, folder);
  const all: readonly (readonly [string, () => Promise<Time> | Time])[] = [
    ["here, WebAssembly, 1 thread", () => here(1)],
    ["here, WebAssembly, 2 threads", () => here(2)],
    ["PyTorch, 1 process, 1 thread", () => timePyTorch(folder, 1, 1)],
    ["PyTorch, 1 process, 2 threads", () => timePyTorch(folder, 1, 2)],
    ["PyTorch, 2 processes of 1 thread", () => timePyTorch(folder, 2, 1)],
  ];
  const contenders = all.filter(([name]) => `${work.name}: ${name}`.match(only));
  const found = new Map<string, Time[]>(contenders.map(([name]) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const [name, time] of contenders) found.get(name)!.push(await time());
  console.log(`\n${work.name}: milliseconds of a step`);
  for (const [name, times] of found) {
    const clock = median(times.map((one) => one.clock));
    const processor = median(times.map((one) => one.processor));
    console.log(
      `  ${name.padEnd(34)} clock ${clock.toFixed(1).padStart(8)}   processor ${processor.toFixed(1).padStart(8)}`,
    );
    if (json)
      appendFileSync(
        json,
        `${JSON.stringify({ ...machine, load: loadavg()[0], work: work.name, contender: name, clock, processor, times })}\n`,
      );
  }
  rmSync(folder, { recursive: true });
}
