/** The commands that the pages of tasks show. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { cliTasks } from "../../src/cli/task/tasks.ts";
import { commandLine, temporaryFolder } from "../support/command-line.ts";

const { at } = temporaryFolder();
const commandsOf = (page: string) => [...page.matchAll(/^npx webgpu-rnn (.+)$/gm)].map(([, command]) => command!);
const wordsOf = (command: string) =>
  [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!);

test.each(cliTasks.map(({ name }) => name))("docs/tasks/%s.md: all but the files is there", async (name) => {
  const page = await readFile(new URL(`../../docs/tasks/${name}.md`, import.meta.url), "utf8");
  const commands = commandsOf(page).map(wordsOf);
  expect(commands.map(([command]) => command)).toEqual(["train", "predict", "evaluate"]);
  for (const words of commands) {
    const inFolder = words.map((word) =>
      /^\w+\.(csv|tsv|jsonl|conllu|txt|json|safetensors)$/.test(word) ? at(word) : word,
    );
    const ran = await commandLine(...inFolder);
    expect(ran.stderr).toMatch(/^error: \S+: (cannot be read|does not exist|no such file)/i);
    expect(ran.code).toBe(1);
  }
});
