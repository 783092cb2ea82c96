/** Safetensors: state dicts of PyTorch, and what this package saves. */
import { loadModel, type Runtime, readCheckpoint, readSafetensors } from "webgpu-rnn";
import { chained } from "../chained.ts";
import { type FileFacts, MadeUp, type Reader, type ReadFile, type TensorRow } from "../file.ts";

/** What the file says of its tensors; that this fits was checked when they were read. */
function rowsOf(bytes: Uint8Array): TensorRow[] {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + length)),
  );
  return Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]) => ({ name, type: dtype, shape, bytes: end - begin }),
    );
}

const read: Reader = async (bytes, options): Promise<ReadFile> => {
  const { name, seed, steps } = options;
  const { tensors, metadata } = readSafetensors(bytes, name);
  const file = { name, bytes: bytes.length, tensors: rowsOf(bytes) };
  const isSaved = "checkpoint" in metadata || "training" in metadata;
  // What a training saved has the model's weights beside those of the optimizer.
  const own = Object.entries(tensors).filter(([key]) => key.startsWith("model."));
  const weights = isSaved && own.length > 0 ? Object.fromEntries(own.map(([key, x]) => [key.slice(6), x])) : tensors;
  const { model, layers, others } = chained(weights, options);
  const facts = (more: Pick<FileFacts, "kind" | "isWhole"> & { readonly detail?: string }): FileFacts => ({
    ...file,
    ...more,
    layers,
    others: more.isWhole ? [] : others,
  });
  if ("checkpoint" in metadata) {
    const checkpoint = readCheckpoint(bytes, name);
    const x = new MadeUp(seed).tokens(checkpoint.vocabulary.size, steps, 1);
    const open = async (runtime: Runtime) => loadModel(runtime, checkpoint).model;
    return { facts: facts({ kind: "characters", isWhole: true }), model: { inputs: { x }, open } };
  }
  if ("training" in metadata) {
    const { readTaskFile } = await import("./task.ts");
    const task = await readTaskFile(bytes, options);
    const isWhole = task?.model !== undefined;
    const known = facts({ kind: task ? "task" : "training", isWhole, ...(task && { detail: task.kind }) });
    const runs = task?.model ?? model;
    return { facts: known, ...(runs && { model: runs }) };
  }
  return { facts: facts({ kind: "weights", isWhole: false }), ...(model && { model }) };
};

export default read;
