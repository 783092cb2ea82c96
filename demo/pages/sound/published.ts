/** The networks of the reader's files, which are opened once. Loaded when there are files. */
import type { Runtime } from "webgpu-rnn";
import { Denoiser, VoiceActivity } from "webgpu-rnn/sound";
import type { Files } from "./listening.ts";

/** How files differ that may have the same name. */
const keyOf = (...files: readonly File[]) => files.map((one) => `${one.name} ${one.size} ${one.lastModified}`).join();
const bytesOf = async (file: File) => new Uint8Array(await file.arrayBuffer());

interface Opened<M> {
  readonly key: string;
  readonly model: M;
}
let denoiser: Opened<Denoiser> | undefined;
let detector: Opened<VoiceActivity> | undefined;

async function opened<M extends { dispose(): void; reset(): Promise<void> }>(
  last: Opened<M> | undefined,
  files: readonly File[],
  open: (...bytes: Uint8Array[]) => Promise<M>,
): Promise<Opened<M>> {
  const key = keyOf(...files);
  if (last?.key === key) {
    await last.model.reset();
    return last;
  }
  const model = await open(...(await Promise.all(files.map(bytesOf))));
  last?.model.dispose();
  return { key, model };
}

/** @throws FileFormatError */
export async function openPublished(runtime: Runtime, { model1, model2, speech }: Files) {
  if (model1 && model2)
    denoiser = await opened(denoiser, [model1, model2], (first, second) =>
      Denoiser.open(runtime, { model1: first!, model2: second!, on: "wasm" }),
    );
  if (speech)
    detector = await opened(detector, [speech], (bytes) => VoiceActivity.open(runtime, { model: bytes!, on: "wasm" }));
  return { ...(model1 && model2 && { denoiser: denoiser!.model }), ...(speech && { detector: detector!.model }) };
}
