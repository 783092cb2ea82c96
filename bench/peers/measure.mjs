// How a work is measured: what contenders compute is compared, then they work in turns.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { writeSafetensors } from "../../dist/io/safetensors.js";
import { Contender } from "./contenders.mjs";
import { COMPARED_STEPS, numbersOf } from "./works.mjs";

/** Differences above this, relative to the largest number, are faults. */
const WRONG = 1e-4;
/** Milliseconds of work before anything is timed: engines compile what runs often. */
const WARM = 500;
/** Milliseconds after which a contender has no more rounds of a work, if it has had so many. */
const PATIENCE = 20_000;
const LEAST_ROUNDS = 3;
/** Threads of who has just worked go to sleep meanwhile, where they are not stopped. */
const PAUSE = 10;

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
async function unitsOf(contender, round) {
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

/** Weights and inputs in a file that every contender is given. */
function writeNumbers(work, folder) {
  const file = join(folder, "numbers.safetensors");
  const { weights, given } = numbersOf(work);
  const named = (part, tensors) => Object.entries(tensors).map(([name, tensor]) => [`${part}:${name}`, tensor]);
  writeFileSync(file, writeSafetensors(Object.fromEntries([...named("weights", weights), ...named("given", given)])));
  return file;
}

/**
 * Who takes part in a work, and who does not because he fails or is wrong.
 * @param prepare gives a contender's output, nothing where it has no such work, and how a round of it is measured
 * @param within tolerances of those whose numbers have fewer bits, by name
 */
async function compare(all, prepare, within) {
  const taking = [];
  const refused = [];
  let expected;
  for (const contender of all) {
    const { name } = contender;
    if (contender.ended) continue;
    try {
      const { output, ready } = await prepare(contender);
      if (!output) continue;
      expected ??= output;
      const difference = worstDifference(output, expected);
      if (!(difference < (within[name] ?? WRONG))) throw new Error(`differs from ${all[0].name} by ${difference}`);
      taking.push({ contender: name, difference, round: await ready(), times: [], cpuTimes: [] });
    } catch (error) {
      if (contender === all[0]) throw error;
      refused.push({ contender: name, why: error.message.split("\n")[0] });
    }
  }
  return { taking, refused };
}

/** Rounds in turns. */
async function inTurns({ taking, refused }, rounds) {
  const spent = taking.map(() => 0);
  for (let i = 0; i < rounds; i++) {
    for (let k = 0; k < taking.length; k++) {
      // Who begins changes.
      const at = (i + k) % taking.length;
      const { round, times, cpuTimes } = taking[at];
      if (times.length >= LEAST_ROUNDS && spent[at] > PATIENCE) continue;
      await setTimeout(PAUSE);
      const { ms, cpu, units = 1 } = await round();
      spent[at] += ms;
      times.push(ms / units);
      cpuTimes.push(cpu / units);
    }
  }
  const results = taking.map(({ contender, difference, times, cpuTimes }) => ({
    contender,
    difference,
    times,
    cpuTimes,
  }));
  return { results, refused };
}

/** In processes that have begun. */
async function measureRunning(work, all, { rounds, round, folder, within }) {
  const file = writeNumbers(work, folder);
  const prepare = async (contender) => {
    const { output } = await contender.ask({ prepare: work, file, steps: COMPARED_STEPS });
    const ready = async () => {
      const units = await unitsOf(contender, round);
      return async () => ({ ...(await contender.ask({ units })), units });
    };
    return { output, ready };
  };
  const measured = await inTurns(await compare(all, prepare, within), rounds);
  for (const contender of all) if (!contender.ended) await contender.ask({ dispose: true });
  return measured;
}

/** In processes that begin with each measurement; the first one is compared, and fills the driver's cache if there is one. */
async function measureFresh(work, all, { rounds, folder, within }) {
  const file = writeNumbers(work, folder);
  const run = async ({ name, command }) => {
    const start = performance.now();
    const contender = await Contender.start(name, command, work.environment);
    try {
      const { output, cpu } = await contender.ask({ prepare: work.training, file, steps: 1 });
      return { ms: performance.now() - start, cpu, output };
    } finally {
      contender.end();
    }
  };
  const prepare = async (contender) => {
    const { output } = await run(contender);
    return { output, ready: () => () => run(contender) };
  };
  return inTurns(await compare(all, prepare, within), rounds);
}

/**
 * Everyone's milliseconds of a unit, round by round, and who is refused. What is wrong is not timed.
 * @param all contenders, each with its `command`; the first one has the right numbers
 */
export const measure = (work, all, options) =>
  work.kind === "first step" ? measureFresh(work, all, options) : measureRunning(work, all, options);
