// Two checkouts on one machine, in turns (A B A B …), so that what slows the machine for a while slows both.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { whole } from "../src/cli/arguments.ts";
import { medianOf } from "./rounds.ts";
import type { Answer, Request } from "./workloads-process.ts";

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const program = new Command("compare.mjs")
  .description("run the workloads of two bundles in turns and print least and median milliseconds of each")
  .argument("[before]", "workloads of the first", beside("workloads-before.mjs"))
  .argument("[after]", "workloads of the second", beside("workloads.mjs"))
  .option("--rounds <n>", "measurements of each", whole(), 9)
  .addOption(new Option("--backend <kind>", "where").choices(["gpu", "wasm"]).default("gpu"))
  .option("--only <text>", "workloads whose name contains this", "")
  .option("--json <file>", "also write the results there")
  .parse();
const { rounds, backend, only, json } = program.opts<{
  rounds: number;
  backend: string;
  only: string;
  json?: string;
}>();

type Hello = Extract<Answer, { names: unknown }>;

/** A process that measures when it is asked. */
class Side {
  readonly #child: ChildProcess;
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    this.#child = fork(resolve(path), [backend]);
  }

  async next<A extends Answer>(): Promise<A> {
    const ended = once(this.#child, "exit").then(([code]) => {
      throw new Error(`${this.path} ended with ${code}`);
    });
    const [answer] = (await Promise.race([once(this.#child, "message"), ended])) as [Answer];
    if ("error" in answer) throw new Error(`${this.path}: ${answer.error}`);
    return answer as A;
  }

  ask<A extends Answer>(request: Request): Promise<A> {
    this.#child.send(request);
    return this.next();
  }

  end(): void {
    this.#child.kill();
  }
}

const sides = program.processedArgs.map((path: string) => new Side(path)) as [Side, Side];
try {
  const hellos: Hello[] = [];
  for (const side of sides) hellos.push(await side.next<Hello>());
  hellos.forEach(({ from, info }, i) => {
    console.log(`${i === 0 ? "before" : "after "} ${from.version} ${from.commit ?? ""} on ${info.reason}`);
  });
  const results: object[] = [];
  console.log(`\n${"ms: median (least)".padEnd(50)} ${"before".padStart(20)} ${"after".padStart(20)}   median`);
  for (const [at, name] of hellos[0]!.names.entries()) {
    if (!name.includes(only)) continue;
    for (const side of sides) await side.ask({ prepare: at });
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      // Who begins changes, so that neither always runs on a machine that has just rested.
      for (const i of round % 2 === 0 ? [0, 1] : [1, 0])
        times[i]!.push((await sides[i]!.ask<{ ms: number }>("round")).ms);
    }
    for (const side of sides) await side.ask("dispose");
    const shown = times.map((all) => `${medianOf(all).toFixed(3)} (${Math.min(...all).toFixed(3)})`.padStart(20));
    const faster = medianOf(times[0]) / medianOf(times[1]);
    console.log(`${name.padEnd(50)} ${shown.join(" ")}   ${faster.toFixed(2)} times as fast`);
    results.push({ name, before: times[0], after: times[1] });
  }
  if (json !== undefined) {
    const [before, after] = hellos.map(({ from, info }) => ({ ...from, adapter: info.adapter, reason: info.reason }));
    const machine = { date: new Date().toISOString(), node: process.versions.node };
    writeFileSync(json, `${JSON.stringify({ ...machine, before, after, milliseconds: results }, undefined, 1)}\n`);
  }
} finally {
  for (const side of sides) side.end();
}
