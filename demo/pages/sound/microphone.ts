/** What a microphone hears, piece by piece. */

import { joined } from "../../shell/joined.ts";
import { RATE } from "./made-up.ts";
import address from "./microphone-worklet.ts?worker&url";

/** Milliseconds from one piece to the next. */
const EVERY = 100;

/** @param stopped ends it @throws what the browser says when there is none, or when the reader does not allow it */
export async function* microphone(stopped: AbortSignal): AsyncGenerator<Float32Array<ArrayBuffer>> {
  // What browsers do to voices is what is to be shown here.
  const audio = { channelCount: 1, noiseSuppression: false, echoCancellation: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  const context = new AudioContext({ sampleRate: RATE });
  try {
    await context.audioWorklet.addModule(address);
    const node = new AudioWorkletNode(context, "samples");
    let waiting: Float32Array[] = [];
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => void waiting.push(data);
    // It is silent itself, but what leads nowhere does not run.
    context.createMediaStreamSource(stream).connect(node).connect(context.destination);
    await context.resume();
    while (!stopped.aborted) {
      await new Promise((resolve) => setTimeout(resolve, EVERY));
      const piece = joined(waiting);
      waiting = [];
      if (piece.length > 0) yield piece;
    }
  } finally {
    for (const track of stream.getTracks()) track.stop();
    await context.close();
  }
}
