// Runs in every test file: writes down which tests reach which mutants, and how long they take.
import { appendFileSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeEach, expect } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const { marks } = JSON.parse(readFileSync(process.env.MUTANTS_JOB, "utf8"));

/** Reached while no test ran: by the file as a whole, or by what stands before its tests. */
const always = new Set();
const tests = [];
let reached = always;
let began = 0;
globalThis.mutantReached = (id) => void reached.add(id);

const nameOf = (task) => `${task.suite ? `${nameOf(task.suite)} ` : ""}${task.name}`.trimStart();

beforeEach(() => {
  reached = new Set();
  began = performance.now();
});
afterEach(({ task }) => {
  if (task.mode !== "skip" && task.result?.state !== "skip" && !task.result?.pending)
    tests.push({ name: nameOf(task), ms: performance.now() - began, reached: [...reached] });
  reached = always;
});
afterAll(() => {
  const file = relative(root, expect.getState().testPath).replaceAll("\\", "/");
  appendFileSync(marks, `${JSON.stringify({ file, always: [...always], tests })}\n`);
});
