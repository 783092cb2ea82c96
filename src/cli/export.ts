import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { readBytes, writeFileAtomic } from "../io/files.ts";
import {
  CharModel,
  checkSameText,
  FileFormatError,
  readCheckpoint,
  readSafetensors,
  readTraining,
  showBytes,
  WebGpuRnnError,
} from "../node.ts";
import { namedText, ownText } from "./default-text.ts";
import { terminalOf, UsageError, wrap } from "./terminal.ts";

interface ExportFlags {
  to: "onnx" | "pytorch";
  text?: string[];
  force?: boolean;
}

export function register(program: Command): void {
  program
    .command("export")
    .summary("take a model out, to run or to train it elsewhere")
    .description(
      "Writes a character model that webgpu-rnn train made for others. --to onnx makes a file that ONNX Runtime and others run, with " +
        "states as inputs and outputs. --to pytorch makes a folder with the model as a Python file, its weights, and the script " +
        "train.py, which goes on with the training, on one process or on many (torchrun).",
    )
    .argument("<model>", "a .safetensors file")
    .argument("<out>", "the file, or with --to pytorch the folder, to write")
    .addOption(new Option("--to <format>", "what to make of it").choices(["onnx", "pytorch"]).makeOptionMandatory())
    .option("--text <paths...>", "pytorch: the files and folders that the model was trained on, to put beside it")
    .option("--force", "replace a file, or write into a folder that is not empty")
    .action(exportCommand);
}

async function exportCommand(path: string, out: string, { to, text, force = false }: ExportFlags): Promise<void> {
  if (to === "onnx" && text !== undefined) throw new UsageError("--text is an option of --to pytorch");
  const bytes = await readBytes(path, "check the path, or train a model (webgpu-rnn train TEXT --out MODEL)");
  await (to === "onnx" ? writeOnnx(bytes, path, out, force) : writeProject(bytes, path, out, text, force));
}

async function writeOnnx(bytes: Uint8Array, path: string, out: string, force: boolean): Promise<void> {
  const { exportOnnx, inspectOnnx } = await import("../onnx/index.ts");
  refuseTraining(bytes, path);
  const { config, vocabulary, weights } = readCheckpoint(bytes, path);
  const model = new CharModel(config);
  const file = exportOnnx(model, {
    weights,
    inputs: { tokens: { shape: ["T", "B"], dtype: "i32" } },
    dynamic: ["T", "B"],
    metadata: { vocabulary: JSON.stringify(vocabulary) },
    forward: ({ tokens }, state) => model.forward(tokens!, state),
  });
  if (!force && (await stat(out).catch(() => undefined))?.isFile())
    throw new UsageError(`${out}: is there already; name another file, or replace it with --force`);
  await writeFileAtomic(out, file);
  const { inputs, outputs } = inspectOnnx(file);
  const { line } = terminalOf(process.stdout);
  const shown = (values: typeof inputs) => values.map(({ name, shape }) => `${name} [${shape?.join(",")}]`).join(", ");
  line(`${out}: ${showBytes(file.length)}, inputs ${shown(inputs)}; outputs ${shown(outputs)}`);
}

/** @throws FileFormatError for the training of another model */
function refuseTraining(bytes: Uint8Array, path: string): void {
  if (readSafetensors(bytes, path).metadata.training === undefined) return;
  const { task } = readTraining(bytes, path).metadata;
  const what = typeof task === "string" ? `a ${task}` : "a model of your own";
  throw new FileFormatError(
    `${path}: is the training of ${what}; export takes character models (webgpu-rnn train without --task). In a program, exportOnnx(task.model, { weights: await runtime.stateDict(task.model), inputs }) of webgpu-rnn/onnx writes any model`,
  );
}

async function writeProject(
  bytes: Uint8Array,
  path: string,
  out: string,
  paths: readonly string[] | undefined,
  force: boolean,
): Promise<void> {
  const { exportPyTorch } = await import("../pytorch/index.ts");
  const text = await textOf(bytes, path, paths);
  const files = exportPyTorch(bytes, { name: path, ...(text !== undefined && { text }) });
  await makeFolder(out, force);
  for (const [name, content] of Object.entries(files)) await writeFileAtomic(join(out, name), content);
  const { line, columns } = terminalOf(process.stdout);
  line(`${out}: ${Object.keys(files).join(", ")}`);
  line(wrap(next(files, out), columns));
}

/** The text that is named, or the package's own where the model was trained on that. */
async function textOf(bytes: Uint8Array, path: string, paths: readonly string[] | undefined) {
  if (paths !== undefined) return (await namedText(paths)).text;
  if (readSafetensors(bytes, path).metadata.checkpoint === undefined) return undefined;
  const checkpoint = readCheckpoint(bytes, path);
  if (!checkpoint.progress) return undefined;
  const { text } = await ownText();
  try {
    checkSameText(checkpoint, text);
    return text;
  } catch {
    return undefined; // trained on a text that was not named here
  }
}

async function makeFolder(folder: string, force: boolean): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    const [found] = await readdir(folder);
    if (found !== undefined && !force)
      throw new UsageError(`${folder}: is not empty (${found}); name another folder, or write into it with --force`);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new WebGpuRnnError("WRITE", `${folder}: cannot be made: ${(cause as Error).message}; choose another place`, {
      cause,
    });
  }
}

function next(files: Readonly<Record<string, unknown>>, out: string): string {
  const train = join(out, "train.py");
  if (!("train.py" in files))
    return "The file holds weights only: model.py and model.safetensors are the model; a training needs a checkpoint.";
  if (!("text.txt" in files))
    return `The text is not beside it: export again with --text FILE…, or python ${train} --text FILE (all of them as one file).`;
  return `python ${train} goes on with the training; torchrun --nproc-per-node 4 ${train} on four processes or GPUs.`;
}
