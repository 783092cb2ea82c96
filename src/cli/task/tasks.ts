/** The tasks of the command line. */
import { FileFormatError, type Runtime } from "../../node.ts";
import { kindOfFile } from "../../tasks/index.ts";
import { classify } from "./classify.ts";
import type { AnyTask, CliTask } from "./cli-task.ts";

export const cliTasks: readonly CliTask[] = [classify as unknown as CliTask];

export const taskNames = cliTasks.map(({ name }) => name);

/** A task's file, opened. @throws FileFormatError */
export function openTask(runtime: Runtime, bytes: Uint8Array, path: string): { cliTask: CliTask; task: AnyTask } {
  const kind = kindOfFile(bytes, path);
  const cliTask = cliTasks.find((one) => one.kind === kind);
  if (!cliTask) throw new FileFormatError(`${path}: is of a ${kind}, which this version does not know`);
  return { cliTask, task: cliTask.load(runtime, bytes) };
}
