/** Runs a command of the command line in this process, so that tests share its device and coverage sees it. */
import { Command } from "commander";
import { vi } from "vitest";

export interface CommandResult {
  readonly out: string;
  readonly exitCode: number;
  /** What the command threw. */
  readonly error: Error | undefined;
}

/** @param register of the command's file; @param args as typed: `["verify", "cases"]` */
export async function runCommand(
  register: (program: Command) => void,
  args: readonly string[],
): Promise<CommandResult> {
  const quiet = { writeOut: () => {}, writeErr: () => {} };
  const program = new Command("webgpu-rnn").exitOverride().configureOutput(quiet);
  register(program);
  for (const command of program.commands) command.exitOverride().configureOutput(quiet);
  let out = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const before = process.exitCode;
  process.exitCode = 0;
  let error: Error | undefined;
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (thrown) {
    error = thrown as Error;
  } finally {
    spy.mockRestore();
  }
  const exitCode = Number(process.exitCode);
  process.exitCode = before;
  return { out, exitCode, error };
}
