// Runs the tests for mutations-typescript.mjs: every test first without a mistake, then again for each mistake that it reached
// and that nothing has noticed yet. All mistakes are in the code from the start, each behind a switch, so that a process serves
// many of them. What happens is appended to the job's events, a line of JSON each, which the parent and other workers read.
import { appendFileSync, closeSync, openSync, readFileSync, readSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { TestRunner } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const job = JSON.parse(readFileSync(process.env.MUTANTS_JOB, "utf8"));

let active = job.active ?? -1;
let reached = new Set();
globalThis.mutantActive = (id) => {
  reached.add(id);
  return id === active;
};

const tell = (event) => appendFileSync(job.events, `${JSON.stringify({ ...event, pid: process.pid })}\n`);

const noticed = new Set();
/** Milliseconds that each mutant's tests have taken. */
const spent = new Map();
/** Attempts that are not to be made again, as `test id`. */
const made = new Set();
/** Tests that failed without a mistake after an attempt, and how often. */
const unrepeatable = new Map();
let position = 0;
let rest = "";
/** Takes in what other workers, and processes before this one, have told. */
function listen() {
  const file = openSync(job.events, "r");
  const chunk = Buffer.alloc(1 << 16);
  for (let length = readSync(file, chunk, 0, chunk.length, position); length > 0; ) {
    position += length;
    rest += chunk.toString("utf8", 0, length);
    length = readSync(file, chunk, 0, chunk.length, position);
  }
  closeSync(file);
  const lines = rest.split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const { type, id, test, ms } = JSON.parse(line);
    if (type === "noticed") noticed.add(id);
    if (type === "passed") spent.set(id, (spent.get(id) ?? 0) + ms);
    if (["passed", "noticed", "unrepeatable"].includes(type)) made.add(`${id} ${test}`);
    if (type === "unrepeatable") unrepeatable.set(test, (unrepeatable.get(test) ?? 0) + 1);
  }
}

const nameOf = (task) => `${task.suite ? `${nameOf(task.suite)} ` : ""}${task.name}`.trimStart();

/** Thrown at the end of a test that shall run again, with its hooks. */
const again = new Error("the test runs again");

export default class MutantsRunner extends TestRunner {
  #file = "";
  /** What ran outside of all tests: as the file was loaded, or in beforeAll. */
  #always = new Set();
  #test = "";
  /** "clean", then in turn "mutant" and, where that was noticed, "check". */
  #phase = "clean";
  #queue = [];
  #ms = 0;
  #began = 0;

  onBeforeRunFiles() {
    listen();
  }

  async onBeforeRunSuite(suite) {
    this.#file = relative(root, suite.file.filepath).replaceAll("\\", "/");
    await super.onBeforeRunSuite(suite);
  }

  async onAfterRunSuite(suite) {
    await super.onAfterRunSuite(suite);
    if (suite.file === suite) tell({ type: "file", file: this.#file, always: [...this.#always] });
  }

  async onBeforeRunTask(test) {
    await super.onBeforeRunTask(test);
    for (const id of reached) this.#always.add(id);
    this.#test = `${this.#file} > ${nameOf(test)}`;
    if (test.mode === "skip") tell({ type: "skipped", test: this.#test });
    if (job.tests && !Object.hasOwn(job.tests, this.#test)) test.mode = "skip";
    this.#phase = "clean";
    test.retry = job.active === undefined ? 1_000_000 : 0;
  }

  onBeforeTryTask(test, times) {
    super.onBeforeTryTask(test, times);
    reached = new Set();
    this.#began = performance.now();
    if (job.active !== undefined) return;
    active = this.#phase === "mutant" ? this.#queue[0] : -1;
    const limit = this.#phase === "clean" ? 300_000 : 5000 + 20 * this.#ms;
    tell({ type: "begins", id: active, test: this.#test, at: Date.now(), limit });
  }

  async runTask(test) {
    await TestRunner.getTestFn(test)();
    if (job.active === undefined) throw again;
  }

  onAfterRetryTask(test) {
    const { result } = test;
    if (result.pending) {
      if (this.#phase === "clean") tell({ type: "skipped", test: this.#test });
      return;
    }
    const ms = performance.now() - this.#began;
    if (job.active !== undefined) {
      tell({ type: "ran", test: this.#test, failed: result.state === "fail" });
      reached = new Set();
      return;
    }
    active = -1;
    const failed = result.errors?.some(({ message }) => message !== again.message) ?? false;
    // Without an error it would not run again.
    result.errors = [{ name: "Error", message: again.message }];
    if (this.#phase === "clean") {
      this.#ms = ms;
      tell({ type: "clean", test: this.#test, ms, failed, reached: [...reached] });
      listen();
      // Others' tests are quicker, and may notice it first.
      const wanted = job.tests?.[this.#test] ?? (ms > job.longest ? [] : [...reached]);
      this.#queue = failed || unrepeatable.get(this.#test) > 1 ? [] : wanted.filter((id) => job.mutants.includes(id));
    } else if (this.#phase === "mutant" && failed) {
      this.#phase = "check";
      return;
    } else if (this.#phase === "check" && failed) {
      // It passes only once in a process, or the mutant left something behind: the attempt needs a process of its own.
      tell({ type: "unrepeatable", id: this.#queue[0], test: this.#test });
      process.kill(process.pid, "SIGKILL");
    } else {
      const id = this.#queue.shift();
      tell({ type: this.#phase === "check" ? "noticed" : "passed", id, test: this.#test, ms });
      listen();
    }
    this.#phase = "mutant";
    this.#queue = this.#queue.filter(
      (id) => !noticed.has(id) && !made.has(`${id} ${this.#test}`) && (spent.get(id) ?? 0) < job.budget,
    );
    reached = new Set();
    if (this.#queue.length > 0) return;
    result.state = "pass";
    result.errors = [];
  }
}
