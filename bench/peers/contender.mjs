// A process that measures when main.mjs asks: node contender.mjs ENGINE SETTINGS…
// A line of JSON in, a line of JSON out; pytorch.py answers the same.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { readSafetensors } from "../../dist/io/safetensors.js";

const [engine, ...settings] = process.argv.slice(2);
// Only answers go to the standard output, whatever an engine prints.
console.log = console.info = console.warn = console.error;

const { open } = await import(`./${engine}.mjs`);
const { about, adapter, prepare } = await open(...settings);
let ready;

/** Weights and inputs, from the file that every contender is given. */
function readNumbers(file) {
  const numbers = { weights: {}, given: {} };
  for (const [name, tensor] of Object.entries(readSafetensors(readFileSync(file)).tensors)) {
    const [part, own] = name.split(/:(.*)/);
    numbers[part][own] = tensor;
  }
  return numbers;
}

/** Milliseconds of the processor. */
function cpuSince(before) {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function answer(asked) {
  if (asked.prepare) {
    ready = await prepare(asked.prepare, readNumbers(asked.file));
    return ready ? { output: [...(await ready.compared(asked.steps))], cpu: cpuSince() } : { missing: true };
  }
  if (asked.units) {
    const [start, before] = [performance.now(), process.cpuUsage()];
    if (ready.units) await ready.units(asked.units);
    else for (let i = 0; i < asked.units; i++) await ready.unit();
    return { ms: performance.now() - start, cpu: cpuSince(before) };
  }
  await ready?.dispose();
  ready = undefined;
  return { done: true };
}

const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
send({ about, adapter });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    send(await answer(JSON.parse(line)));
  } catch (error) {
    send({ error: error.stack ?? String(error) });
  }
}
process.exit(0);
