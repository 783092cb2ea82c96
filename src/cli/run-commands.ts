import { type Command, CommanderError } from "commander";
import { errorRecord, exitCodeOf, printError, terminalOf } from "./terminal.ts";

/**
 * Runs a command line and sets the process's exit code: 0, 1 for what goes wrong, 2 for a wrong call, such as none at all.
 * A command with `--json` says its errors on the standard output too, as a record.
 */
export async function runCommands(program: Command, args: readonly string[]): Promise<void> {
  let json = false;
  program.hook("preAction", (_, command) => {
    json = command.opts().json === true;
  });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2; // it has printed its message already
      return;
    }
    printError(error);
    if (json) terminalOf(process.stdout).line(JSON.stringify(errorRecord(error)));
    process.exitCode = exitCodeOf(error);
  }
}
