/** Plays one sound at a time, when the reader asks for it. */
import { signal } from "@preact/signals";
import { RATE } from "./made-up.ts";

/** Of what picture the sound is played, and how much of it has been, from 0 to 1. */
export const playing = signal<{ readonly name: string; readonly share: number } | undefined>(undefined);

/** Made by the first click: a browser lets no page sound before. */
let context: AudioContext | undefined;
let source: AudioBufferSourceNode | undefined;

export function stop(): void {
  source?.stop();
  source = undefined;
  playing.value = undefined;
}

/** @param name of the picture that follows it */
export function play(name: string, samples: Float32Array<ArrayBuffer>): void {
  stop();
  context ??= new AudioContext();
  void context.resume();
  const buffer = context.createBuffer(1, samples.length, RATE);
  buffer.copyToChannel(samples, 0);
  const mine = context.createBufferSource();
  source = mine;
  mine.buffer = buffer;
  mine.connect(context.destination);
  const began = context.currentTime;
  mine.start();
  mine.onended = () => {
    if (source === mine) stop();
  };
  const follow = () => {
    if (source !== mine) return;
    playing.value = { name, share: Math.min(1, (context!.currentTime - began) / buffer.duration) };
    requestAnimationFrame(follow);
  };
  follow();
}
