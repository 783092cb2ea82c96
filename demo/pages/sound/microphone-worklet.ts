/** Hands the page what it hears; runs where sound is computed. */

// What TypeScript's library for pages does not have.
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

registerProcessor(
  "samples",
  class extends AudioWorkletProcessor {
    process(inputs: readonly (readonly Float32Array[])[]): boolean {
      const samples = inputs[0]?.[0];
      if (samples) this.port.postMessage(samples.slice());
      return true;
    }
  },
);
