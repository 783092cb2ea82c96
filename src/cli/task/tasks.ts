/** The tasks of the command line. */
import { FileFormatError, Runtime } from "../../node.ts";
import { kindOfFile } from "../../tasks/index.ts";
import { type BackendFlags, runtimeOptions } from "../backend.ts";
import { autoencode } from "./autoencode.ts";
import { caption } from "./caption.ts";
import { classify } from "./classify.ts";
import type { CliTask } from "./cli-task.ts";
import { forecast } from "./forecast.ts";
import { language } from "./language.ts";
import { ngram } from "./ngram.ts";
import { tag } from "./tag.ts";
import { translate } from "./translate.ts";

/** In the order that the help lists them. */
export const cliTasks: readonly CliTask[] = [classify, tag, translate, caption, forecast, autoencode, language, ngram];

export const taskNames = cliTasks.map(({ name }) => name);

/** The task that a file is of. @throws FileFormatError */
export function taskOfFile(bytes: Uint8Array, path: string): CliTask {
  const kind = kindOfFile(bytes, path);
  const found = cliTasks.find((one) => one.kind === kind);
  if (found) return found;
  throw new FileFormatError(
    `${path}: is a file of the task ${JSON.stringify(kind)}, which the command line does not have`,
  );
}

/** Opens what a task computes on. */
export const runtimeFor = ({ backend }: CliTask, flags: BackendFlags): Promise<Runtime> =>
  Runtime.open(backend ? { backend } : runtimeOptions(flags));
