/**
 * The tasks on real data, and on made-up data that has no end: docs/tasks/on-data.md has what came out.
 *
 *   node scripts/run-ts.mjs scripts/tasks-on-data.ts FOLDER [--only "NAME;…"] [--seeds 0,1,2] [--json FILE]
 *
 * FOLDER has a folder of each data set, under the names that the data sets have (sentence_polarity's zip unpacked); what is not there
 * is left out. A line is printed, and added to FILE, for each training. Seconds are the processor's, of one thread. Besides:
 *
 *   --list          the names
 *   --rows FOLDER   writes the rows of each training instead, for scripts/tasks_pytorch.py
 *   --table FILE    the table of what FILE has by now, ours and PyTorch's
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Runtime } from "../src/node.ts";
import { entriesOf } from "./tasks-on-data/entries.ts";
import { counted, exported, solve } from "./tasks-on-data/problems.ts";
import { tableOf } from "./tasks-on-data/table.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    seeds: { type: "string", default: "0" },
    json: { type: "string" },
    rows: { type: "string" },
    table: { type: "string" },
    list: { type: "boolean", default: false },
  },
});
const [data = "."] = positionals;
const wanted = options.only?.split(";");
const entries = entriesOf(data).filter(({ name }) => !wanted || wanted.some((part) => name.includes(part)));

if (options.list) console.log(entries.map(({ name }) => name).join("\n"));
else if (options.table) console.log(tableOf(entries, readFileSync(options.table, "utf8")));
else {
  // One thread, as PyTorch's: a thread that waits for another takes the processor's time too.
  const runtime = await Runtime.open({ backend: "wasm", threads: 1 });
  for (const { name, needs, problems, join: joined, withCounts } of entries) {
    if (needs && !existsSync(join(data, needs))) {
      console.log(`${name}: left out, there is no ${join(data, needs)}`);
      continue;
    }
    for (const seed of options.seeds.split(",").map(Number)) {
      const given = await problems(seed);
      if (options.rows) {
        mkdirSync(options.rows, { recursive: true });
        const file = join(options.rows, `${name.replace(/[^\p{L}\p{N}]+/gu, "-")}-${seed}.json`);
        writeFileSync(file, JSON.stringify({ name, seed, problems: given.map(exported) }));
        continue;
      }
      const before = process.cpuUsage();
      const measured = [];
      for (const one of given) measured.push(await solve(runtime, one));
      const { user, system } = process.cpuUsage(before);
      const seconds = (user + system) / 1e6;
      const result = { ...(joined?.(measured) ?? measured[0]!), ...(withCounts && counted(given[0]!)) };
      const line = JSON.stringify({ name, seed, by: "webgpu-rnn", ...result, seconds });
      console.log(line);
      if (options.json) appendFileSync(options.json, `${line}\n`);
    }
  }
  runtime.dispose();
}
