import { type Command, CommanderError } from "commander";
import { exitCodeOf, printError } from "./terminal.ts";

/** Runs a command line and sets the process's exit code: 0, 1 for what goes wrong, 2 for a wrong call. */
export async function runCommands(program: Command, args: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2; // it has printed its message already
      return;
    }
    printError(error);
    process.exitCode = exitCodeOf(error);
  }
}
