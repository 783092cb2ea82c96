import {
  type Bytes,
  checkOptions,
  DataError,
  FileFormatError,
  modelFile,
  readCheckpoint,
  readSafetensors,
  readTraining,
  textFingerprint,
} from "../index.ts";
import { checkpointPy } from "./project/checkpoint.generated.ts";
import { modelPy } from "./project/model-py.ts";
import { optimizersPy } from "./project/optimizers.generated.ts";
import { schedulesPy } from "./project/schedules.generated.ts";
import { trainPy } from "./project/train.generated.ts";

export interface ExportPyTorchOptions {
  /** What errors call the file, such as its path. */
  readonly name?: string;
  /** The text that the model was trained on, which becomes `text.txt`. Without it `train.py` is told where it is: `--text`. */
  readonly text?: string;
}

/** The files of a project by name; texts are UTF-8. */
export type PyTorchProject = Readonly<Record<string, Bytes>>;

/**
 * Makes a PyTorch project of a character model's file, as `webgpu-rnn train` or `saveCheckpoint` writes it:
 *
 * - `model.py`: the model as a torch module, whose parameters bear the same names
 * - `model.safetensors`: its weights
 * - `checkpoint.py`: reads and writes safetensors files, so that only PyTorch is needed
 *
 * and, of a file that holds a training, what goes on with it:
 *
 * - `training.safetensors`: the file that was given
 * - `train.py`, `optimizers.py`, `schedules.py`: the same batches, optimizer and schedule; `torchrun` distributes it
 * - `text.txt`, where the text is given
 *
 * `model.safetensors` and `training.safetensors`, which `train.py` replaces, are files of ours again.
 * @throws FileFormatError when it is no such file, DataError for another text than the one trained on
 */
export function exportPyTorch(bytes: Uint8Array | ArrayBuffer, options: ExportPyTorchOptions = {}): PyTorchProject {
  checkOptions("exportPyTorch", options, ["name", "text"]);
  const { name = "checkpoint", text } = options;
  refuseOthers(bytes, name);
  const checkpoint = readCheckpoint(bytes, name);
  const { config, progress } = checkpoint;
  const files: Record<string, Bytes | string> = {
    "model.py": modelPy(config),
    "model.safetensors": modelFile(checkpoint),
    "checkpoint.py": checkpointPy,
  };
  if (progress) {
    files["training.safetensors"] = new Uint8Array(bytes).slice();
    Object.assign(files, { "train.py": trainPy, "optimizers.py": optimizersPy, "schedules.py": schedulesPy });
  }
  if (text !== undefined) {
    const found = textFingerprint(text);
    const expected = progress?.training.text ?? found;
    if (found !== expected)
      throw new DataError(
        `${name}: was trained on another text (fingerprint ${expected}, this one has ${found}); give the same files in the same order, unchanged`,
      );
    if (progress) files["text.txt"] = text;
  }
  const encoder = new TextEncoder();
  return Object.fromEntries(
    Object.entries(files).map(([file, content]) => [
      file,
      typeof content === "string" ? encoder.encode(content) : content,
    ]),
  );
}

/** A training's file of another model says how to take its weights. @throws FileFormatError */
function refuseOthers(bytes: Uint8Array | ArrayBuffer, name: string): void {
  const { metadata } = readSafetensors(bytes, name);
  if (metadata.training === undefined) return;
  const { task } = readTraining(bytes, name).metadata;
  const what = typeof task === "string" ? `a ${task}` : "a model of your own";
  throw new FileFormatError(
    `${name}: is the training of ${what}; a PyTorch project is made of a character model (webgpu-rnn train without --task). Take its weights, which bear PyTorch's names: writeSafetensors(readTraining(bytes).weights), and write the module in Python`,
  );
}
