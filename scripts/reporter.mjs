// A Vitest reporter for the closing lines: what passed, failed and was skipped, each skip with its reason.
import { writeSync } from "node:fs";

/** Tests of one reason that are named one by one; more are counted. */
const namesPerReason = 4;
const linesPerError = 6;

/** The first lines of what each error says, indented. */
const reasons = (errors) =>
  errors.flatMap(({ message }) =>
    message
      .split("\n")
      .slice(0, linesPerError)
      .map((line) => `  ${line}`),
  );

export default class ClosingLines {
  #vitest;
  #modules = [];
  #unhandled = [];
  #interrupted = false;

  onInit(vitest) {
    this.#vitest = vitest;
    // Coverage is printed after the last reporter event, so only the end of the process is late enough.
    process.once("exit", () => this.#print());
  }

  onTestRunEnd(modules, unhandledErrors, reason) {
    this.#modules = modules;
    this.#unhandled = unhandledErrors;
    this.#interrupted = reason === "interrupted";
    // A skip without a reason hides a hole. Tests left out by name (-t) have none to give.
    if (!this.#chosenByName() && this.#skips().has(undefined)) process.exitCode = 1;
  }

  #chosenByName() {
    return this.#vitest.config.testNamePattern !== undefined;
  }

  *#tests() {
    for (const module of this.#modules) for (const test of module.children.allTests()) yield { module, test };
  }

  /** Skipped tests by reason; undefined is the reason of those that give none. */
  #skips() {
    const skips = new Map();
    for (const { module, test } of this.#tests()) {
      const { state, note = test.options.mode === "todo" ? "to do" : undefined } = test.result();
      if (state !== "skipped") continue;
      const names = skips.get(note) ?? [];
      names.push(`${module.relativeModuleId} > ${test.fullName}`);
      skips.set(note, names);
    }
    return skips;
  }

  #print() {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const lines = [];
    for (const { module, test } of this.#tests()) {
      const { state, errors } = test.result();
      counts[state]++;
      // With the reason: of a long run often the end alone is kept.
      if (state === "failed") lines.push(`failed: ${module.relativeModuleId} > ${test.fullName}`, ...reasons(errors));
      if (state === "pending") lines.push(`did not end: ${module.relativeModuleId} > ${test.fullName}`);
    }
    for (const module of this.#modules)
      for (const part of [module, ...module.children.allSuites()]) {
        // A file that does not load, a group whose beforeAll throws: their tests did not run.
        if (part.errors().length === 0) continue;
        counts.failed++;
        lines.push(`failed: ${module.relativeModuleId}${part === module ? "" : ` > ${part.fullName}`} as a whole`);
        lines.push(...reasons(part.errors()));
      }
    for (const error of this.#unhandled) {
      counts.failed++;
      lines.push(`failed: outside of any test: ${error.message}`);
    }
    const unsaid = this.#chosenByName() ? "left out by name" : "NO REASON GIVEN, which fails the run";
    for (const [reason, names] of this.#skips()) {
      lines.push(`skipped ${names.length}: ${reason ?? unsaid}`);
      for (const name of names.slice(0, namesPerReason)) lines.push(`  ${name}`);
      if (names.length > namesPerReason) lines.push(`  and ${names.length - namesPerReason} more`);
    }
    if (this.#interrupted) lines.push("interrupted: the counts are those up to then");
    const pending = counts.pending > 0 ? `, did not end ${counts.pending}` : "";
    lines.push(`passed ${counts.passed}, failed ${counts.failed}, skipped ${counts.skipped}${pending}`);
    // The process is ending: only a synchronous write is sure to arrive.
    writeSync(1, `\n${lines.join("\n")}\n`);
  }
}
