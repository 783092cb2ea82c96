// npm run mutations [-- PART OF A NAME]: puts one deliberate mistake after the other into the kernels and shows which tests
// notice it. The table goes to the standard output, the rest to the standard error. Exit code 1: a mistake was not noticed;
// 2: the check itself could not be made. The changed shaders exist in memory only, Vitest hands them to the tests.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { startVitest } from "vitest/node";
import { mutations } from "./mutations-list.mjs";
import { moduleOf, moduleText } from "./shader-modules.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

// The same tests for every mistake: a list for each would look only where the mistake is known to be. Only what runs on
// the GPU, because the twins do not read shaders.
const compiling = { files: ["test/kernels/shaders.test.ts"], names: "compiles: " };
const groups = {
  twins: {
    // Kernels with one step each, then whole layers with every option, forward and backward.
    files: [
      "test/kernels/twins-recurrent.test.ts",
      "test/kernels/twins-recurrent-backward.test.ts",
      "test/kernels/twins-recurrent-stack.test.ts",
      "test/kernels/twins-packed-weights.test.ts",
      "test/graph/gradients-options.test.ts",
    ],
    names: "^on the gpu .*agrees with its twin|^on the GPU, scheduled for",
  },
  others: {
    files: [
      "test/cli/verify.test.ts",
      "test/conformance/armnn.test.ts",
      "test/conformance/keras-layers.test.ts",
      "test/conformance/onednn.test.ts",
      "test/conformance/onnxruntime.test.ts",
      "test/conformance/pytorch-cpp-lstm.test.ts",
    ],
    // The last test of a suite counts the others, which a choice by name or an early end leaves out.
    names: "on the gpu (?!as many cases)",
  },
};

class CheckError extends Error {}

const log = (text) => process.stderr.write(`${text}\n`);

/** The generated module of a shader with a mistake in it: its path and its text. */
function mutated({ name, file, edits }) {
  const text = readFileSync(join(root, "shaders", file), "utf8").replaceAll("\r\n", "\n");
  let changed = text;
  for (const [from, to] of edits) {
    const times = changed.split(from).length - 1;
    if (times !== 1)
      throw new CheckError(
        `mutation "${name}": shaders/${file} has the text ${JSON.stringify(from)} ${times} times, expected once; ` +
          "adapt it in scripts/mutations-list.mjs",
      );
    changed = changed.replace(from, () => to);
  }
  return { path: moduleOf(file), text: moduleText(file, changed) };
}

/** Names from the file down, without what only says which variant or which adapter. */
function nameOf(test) {
  const names = [];
  for (let part = test; part && part.type !== "module"; part = part.parent)
    names.unshift(part.name.replace(/, ROWS .*$/, ""));
  return names.join(" > ");
}

/** Runs tests with this module in place of the one at its path, until the first one fails; without one, as they are. */
async function run({ files, names }, module) {
  let asked = false;
  let passed = 0;
  const failures = [];
  // What Vitest and Dawn print is of interest only where a run breaks.
  let output = "";
  const collect = () =>
    new Writable({
      write(chunk, _, done) {
        output += chunk;
        done();
      },
    });
  const began = performance.now();
  const vitest = await startVitest(
    "test",
    files,
    {
      root,
      watch: false,
      cache: false,
      bail: 1,
      testNamePattern: names,
      reporters: [
        {
          onTestCaseResult(test) {
            const { state, errors } = test.result();
            if (state === "passed") passed++;
            if (state === "failed") failures.push({ file: test.module.relativeModuleId, name: nameOf(test), errors });
          },
        },
      ],
    },
    {
      plugins: [
        {
          name: "mutated-shaders",
          enforce: "pre",
          load(id) {
            if (module === undefined || relative(module.path, id) !== "") return null;
            asked = true;
            return module.text;
          },
        },
      ],
    },
    { stdout: collect(), stderr: collect() },
  );
  const modules = vitest.state.getTestModules();
  const broken = [
    ...modules.flatMap((part) => [part, ...part.children.allSuites()].flatMap((suite) => suite.errors())),
    ...vitest.state.getUnhandledErrors(),
  ];
  const refuse = (why) => {
    throw new CheckError(`${files.join(", ")}: ${why}\n${output}`);
  };
  if (broken.length > 0) refuse(broken[0].message);
  if (module !== undefined && !asked) refuse(`nothing imported ${relative(root, module.path)}`);
  if (passed + failures.length === 0) refuse(`no test that is named ${names} was run`);
  return { passed, failure: failures[0], seconds: (performance.now() - began) / 1000 };
}

const messageOf = ({ file, name, errors }) => `${file} > ${name}\n${errors[0]?.message ?? "no message"}`;

/** The first test that found a wrong number. Any other failure is none of the mistake's. */
async function firstToNotice(tests, module, name) {
  const { failure, passed, seconds } = await run(tests, module);
  if (!failure) return { passed, seconds };
  const said = `${failure.errors[0]?.name}: ${failure.errors[0]?.message}`;
  if (!said.includes("AssertionError") || said.includes("does not compile"))
    throw new CheckError(
      `mutation "${name}" makes a test fail otherwise than by a wrong number: ${messageOf(failure)}`,
    );
  return { failure, seconds };
}

async function check({ name, file }, module) {
  const { failure } = await run(compiling, module);
  if (failure) {
    const [{ actual, message }] = failure.errors;
    throw new CheckError(
      `mutation "${name}" of shaders/${file} does not compile: ${failure.name}\n${actual ?? message}`,
    );
  }
  const found = {};
  for (const [group, tests] of Object.entries(groups)) {
    found[group] = await firstToNotice(tests, module, name);
    const { failure: noticed, passed, seconds } = found[group];
    const what = noticed ? `${noticed.file} > ${noticed.name}` : `NOT NOTICED, ${passed} tests passed`;
    log(`  ${group}, ${seconds.toFixed(0)} s: ${what}`);
  }
  return found;
}

const cell = ({ failure }) =>
  failure ? `${failure.name.replaceAll("|", "\\|")} (${failure.file.replace(/^test\//, "")})` : "–";

async function main(part = "") {
  // Skipped tests would notice nothing.
  process.env.REQUIRE_GPU = "1";
  execFileSync(process.execPath, [join(root, "scripts", "generate.mjs")], { cwd: root, stdio: "inherit" });
  const chosen = mutations.filter(({ name }) => name.includes(part));
  if (chosen.length === 0)
    throw new CheckError(
      `no mutation has "${part}" in its name; there are:\n${mutations.map((m) => m.name).join("\n")}`,
    );
  // All of them before the first test, so that a text that is no longer there is told at once.
  const modules = chosen.map(mutated);

  const counts = {};
  log("without a mistake");
  for (const [group, tests] of Object.entries(groups)) {
    const { passed, failure, seconds } = await run(tests);
    if (failure) throw new CheckError(`without any mistake a test fails: ${messageOf(failure)}`);
    log(`  ${group}, ${seconds.toFixed(0)} s: ${passed} tests passed`);
    counts[group] = passed;
  }
  const rows = [];
  const broken = [];
  for (const [i, mutation] of chosen.entries()) {
    log(`${i + 1} of ${chosen.length}: ${mutation.name} (shaders/${mutation.file})`);
    try {
      rows.push({ ...mutation, ...(await check(mutation, modules[i])) });
    } catch (error) {
      if (!(error instanceof CheckError)) throw error;
      broken.push(error.message);
      log(`  ${error.message}`);
    }
  }
  const noticed = rows.filter(({ twins, others }) => twins.failure || others.failure).length;
  const seconds = ({ twins, others }) => (twins.seconds + others.seconds).toFixed(0);
  const lines = [
    "| mistake | in shaders/ | noticed by the twins | noticed by others' numbers | seconds |",
    "|---|---|---|---|---|",
    ...rows.map((row) => `| ${row.name} | ${row.file} | ${cell(row.twins)} | ${cell(row.others)} | ${seconds(row)} |`),
    "",
    `${noticed} of ${chosen.length} noticed, by ${counts.twins} tests against the twins and ${counts.others} with others' numbers`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  if (broken.length > 0) throw new CheckError(`not checked: ${broken.length}\n${broken.join("\n")}`);
  return noticed === rows.length ? 0 : 1;
}

let exitCode = 2;
try {
  exitCode = await main(process.argv[2]);
} catch (error) {
  log(`mutations: ${error instanceof CheckError ? error.message : error.stack}`);
}
// Vitest sets it at every failing test, which here is what is wanted.
process.exitCode = exitCode;
