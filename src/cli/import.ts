import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { writeFileAtomic } from "../io/files.ts";
import { type NumberArray, showBytes, writeSafetensors } from "../node.ts";
import type { ImportedFile } from "./import-file.ts";
import { checkWritable } from "./out-path.ts";
import { table } from "./task/table.ts";
import { printable, terminalOf, UsageError, wrap } from "./terminal.ts";

interface ImportFlags {
  out?: string;
  key?: string;
  force?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command("import")
    .summary("say what a file of another framework holds, and write its weights")
    .description(
      "Reads PyTorch (.pt, .pth), Keras (.keras, .h5), TensorFlow.js (model.json and its files), ONNX and safetensors, by what is in " +
        "the file, whatever its name. Says what it found and what it made of it; --out writes the weights as safetensors, with the " +
        "names of our modules. Nothing in a file is executed.",
    )
    .argument("<file>", "the file")
    .option("--out <path>", "write the weights to this .safetensors file")
    .option(
      "--key <path>",
      'PyTorch: which state dict of a checkpoint, such as model or ema.shadow ("" is the whole file)',
    )
    .option("--force", "replace a file")
    .option("--json", "print one JSON record per line, for scripts")
    .action(importCommand);
}

async function importCommand(path: string, { out, key, force = false, json = false }: ImportFlags): Promise<void> {
  if (out !== undefined) {
    if (!force && (await stat(out).catch(() => undefined))?.isFile())
      throw new UsageError(`${out}: is there already; name another file, or replace it with --force`);
    await checkWritable(out);
  }
  const { checkTensors, importFile } = await import("./import-file.ts");
  const file = await importFile(path, key);
  (json ? printRecords : print)(path, file);
  if (out === undefined) return;
  checkTensors(path, file.tensors);
  const bytes = writeSafetensors(file.tensors, { source: file.kind });
  await writeFileAtomic(out, bytes);
  const { line } = terminalOf(process.stdout);
  if (json) line(JSON.stringify({ type: "written", path: out, bytes: bytes.length }));
  else line(`${out}: ${Object.keys(file.tensors).length} tensors, ${showBytes(bytes.length)}`);
}

/** safetensors' names of the element types that are written. */
const typeOf = (data: NumberArray): string =>
  data instanceof Float32Array ? "float32" : data instanceof Float64Array ? "float64" : "int32";

const storedOf = ({ stored }: ImportedFile, name: string): string | undefined =>
  Array.isArray(stored) ? undefined : (stored as Readonly<Record<string, string>>)[name];

const countOf = ({ tensors }: ImportedFile): number =>
  Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);

function print(path: string, file: ImportedFile): void {
  const terminal = terminalOf(process.stdout);
  const { line, columns } = terminal;
  const { kind, notes, layers, tensors, stored } = file;
  line(
    printable(
      wrap(`${path}: ${kind}, ${Object.keys(tensors).length} tensors, ${countOf(file)} numbers`, columns),
      terminal,
    ),
  );
  for (const note of notes) line(printable(wrap(note, columns), terminal));
  if (Array.isArray(stored) && stored.length > 0) line(`element types in the file: ${stored.join(", ")}`);
  if (layers.length > 0)
    line(
      printable(
        wrap(`layers: ${layers.map(({ name, className }) => `${name} (${className})`).join(", ")}`, columns),
        terminal,
      ),
    );
  const rows = Object.entries(tensors).map(([name, { shape, data }]) => {
    const [was, is] = [storedOf(file, name), typeOf(data)];
    return [name, `[${shape.join(",")}]`, was === undefined || was === is ? is : `${was} as ${is}`];
  });
  if (rows.length > 0) for (const row of table(["name", "shape", "type"], rows)) line(printable(row, terminal));
}

function printRecords(path: string, file: ImportedFile): void {
  const { line } = terminalOf(process.stdout);
  const { kind, notes, layers, tensors, stored } = file;
  const types = Array.isArray(stored) ? { stored } : {};
  line(
    JSON.stringify({
      type: "file",
      path,
      kind,
      notes,
      layers,
      tensors: Object.keys(tensors).length,
      numbers: countOf(file),
      ...types,
    }),
  );
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    const was = storedOf(file, name);
    line(
      JSON.stringify({ type: "tensor", name, shape, dtype: typeOf(data), ...(was !== undefined && { stored: was }) }),
    );
  }
}
