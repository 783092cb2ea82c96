// What `verify.mjs` of a bundle runs: `webgpu-rnn verify` alone.
import { Command } from "commander";
import { runCommands } from "../src/cli/run-commands.ts";
import { register } from "../src/cli/verify.ts";

const program = new Command().exitOverride();
register(program);
await runCommands(program, ["verify", ...process.argv.slice(2)]);
