/** The reader's sound on its way through the worker's networks, piece by piece. */
import { signal } from "@preact/signals";
import { joined } from "../../shell/joined.ts";
import type { Files, Heard } from "./listening.ts";
import { training } from "./live.ts";
import { RATE } from "./made-up.ts";

/** Seconds of a sound at most. */
export const MOST_SECONDS = 20;
/** Samples that go to the worker at once, where all of them are there. */
const PIECE = 4000;

/** What came in so far, and what came out. */
export interface OwnSound extends Heard {
  readonly noisy: Float32Array<ArrayBuffer>;
}

const none: OwnSound = {
  ...{ noisy: new Float32Array(0), cleaned: new Float32Array(0) },
  ...{ columns: { noisy: new Uint8Array(0), cleaned: new Uint8Array(0) } },
  ...{ speech: [], milliseconds: 0, frames: 0, isPublished: false },
};

export const files = signal<Files>({});
export const sound = signal<OwnSound | undefined>(undefined);
/** What goes on: pieces of samples, or of the microphone. */
export const running = signal<"samples" | "microphone" | undefined>(undefined);
/** What a file was refused for. */
export const refused = signal<string | undefined>(undefined);

let current: AbortController | undefined;

const bytes = (a: Uint8Array, b: Uint8Array) => {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
};

async function listen(
  kind: "samples" | "microphone",
  pieces: (stopped: AbortSignal) => AsyncIterable<Float32Array<ArrayBuffer>>,
): Promise<void> {
  current?.abort();
  const mine = new AbortController();
  current = mine;
  running.value = kind;
  refused.value = undefined;
  let all = none;
  const push = async (samples: Float32Array<ArrayBuffer>, isLast: boolean) => {
    const isFirst = all === none;
    const heard = await training.ask("listen", { files: files.value, samples, isFirst, isLast });
    if (current !== mine || !heard) return;
    all = {
      noisy: joined([all.noisy, samples]),
      cleaned: joined([all.cleaned, heard.cleaned]),
      columns: {
        noisy: bytes(all.columns.noisy, heard.columns.noisy),
        cleaned: bytes(all.columns.cleaned, heard.columns.cleaned),
      },
      speech: [...all.speech, ...heard.speech],
      milliseconds: all.milliseconds + heard.milliseconds,
      frames: all.frames + heard.frames,
      isPublished: heard.isPublished,
    };
    sound.value = all;
  };
  try {
    for await (const piece of pieces(mine.signal)) {
      if (current !== mine) return;
      const room = MOST_SECONDS * RATE - all.noisy.length;
      await push(piece.slice(0, room), false);
      if (piece.length >= room) break;
    }
    if (current === mine) await push(new Float32Array(0), true);
  } catch (error) {
    if (current === mine) refused.value = (error as Error).message;
  } finally {
    if (current === mine) running.value = undefined;
  }
}

export const listenTo = (samples: Float32Array<ArrayBuffer>): Promise<void> =>
  listen("samples", async function* () {
    for (let at = 0; at < samples.length; at += PIECE) yield samples.slice(at, at + PIECE);
  });

/** Until it is stopped, or for {@link MOST_SECONDS}. */
export const listenToMicrophone = (): Promise<void> =>
  listen("microphone", async function* (stopped) {
    const { microphone } = await import("./microphone.ts");
    yield* microphone(stopped);
  });

/** Of the microphone: what was heard stays. */
export const stopListening = (): void => current?.abort();

/** A file that the browser can read as sound, as 16 kHz and one channel. */
export async function listenToFile(file: File): Promise<void> {
  let decoded: AudioBuffer;
  try {
    // It converts to the rate of its context.
    decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await file.arrayBuffer());
  } catch (error) {
    refused.value = `${file.name}: ${(error as Error).message}`;
    return;
  }
  const samples = new Float32Array(Math.min(decoded.length, MOST_SECONDS * RATE));
  for (let c = 0; c < decoded.numberOfChannels; c++) {
    const channel = decoded.getChannelData(c);
    for (let i = 0; i < samples.length; i++) samples[i]! += channel[i]! / decoded.numberOfChannels;
  }
  await listenTo(samples);
}
