import decodeWav from "@audio/decode-wav";
import encoderOfWav from "@audio/encode-wav";
import { readBytes, writeFileAtomic } from "../io/files.ts";
import { DataError, FileFormatError, Runtime } from "../node.ts";
import { Denoiser, resample, VoiceActivity } from "../sound/index.ts";
import { runningOn, runtimeOptions } from "./backend.ts";
import { type DenoiseFlags, WHERE } from "./denoise.ts";
import { interruptible } from "./interrupt.ts";
import { checkNotReplaced, checkWritable } from "./out-path.ts";
import { terminalOf, wrap } from "./terminal.ts";

const RATE = Denoiser.sampleRate;
/** A damaged file may say anything. */
const [LEAST_RATE, MOST_RATE] = [1000, 768_000];

/** Samples of each channel, at 16 kHz. @throws FileFormatError for what is no WAV file, DataError for one without samples */
function channelsOf(bytes: Uint8Array, path: string): Float32Array[] {
  let read: ReturnType<typeof decodeWav>;
  try {
    read = decodeWav(bytes);
  } catch (cause) {
    throw new FileFormatError(`${path}: is no WAV file that can be read: ${(cause as Error).message}`, { cause });
  }
  const { channelData, sampleRate } = read;
  if (!(sampleRate >= LEAST_RATE && sampleRate <= MOST_RATE))
    throw new FileFormatError(
      `${path}: is no WAV file that can be read: it has ${sampleRate} samples a second, from ${LEAST_RATE} to ${MOST_RATE} are usual`,
    );
  if (!channelData[0]?.length) throw new DataError(`${path}: has no samples`);
  return channelData.map((samples) => resample(samples, sampleRate, RATE));
}

/** A span of speech, in seconds. */
type Span = readonly [from: number, to: number];

/** Windows in which somebody speaks, joined where less than 0.2 seconds are between them. */
function spansOf(probabilities: readonly number[]): Span[] {
  const seconds = VoiceActivity.window / RATE;
  const spans: [number, number][] = [];
  for (const [i, probability] of probabilities.entries()) {
    if (probability < 0.5) continue;
    const last = spans.at(-1);
    const [from, to] = [i * seconds, (i + 1) * seconds];
    if (last && from - last[1] < 0.2) last[1] = to;
    else spans.push([from, to]);
  }
  return spans;
}

/** A second at a time: what is stopped stops soon. */
async function* pieces(samples: Float32Array, signal: AbortSignal): AsyncGenerator<Float32Array> {
  for (let at = 0; at < samples.length; at += RATE) {
    signal.throwIfAborted();
    yield samples.subarray(at, at + RATE);
  }
}

/** Runs `denoise` and gives its exit code. */
export async function denoise(from: string, to: string, flags: DenoiseFlags): Promise<number> {
  const [out, err] = [terminalOf(process.stdout), terminalOf(process.stderr)];
  if (!flags.force) await checkNotReplaced(to, null);
  await checkWritable(to);
  const [model1, model2] = [await readBytes(flags.model1, WHERE), await readBytes(flags.model2, WHERE)];
  const channels = channelsOf(await readBytes(from), from);
  const model = flags.vad === undefined ? undefined : await readBytes(flags.vad);
  const runtime = await Runtime.open(runtimeOptions(flags));
  const interrupt = interruptible();
  try {
    if (!flags.json) err.line(err.colors.dim(wrap(runningOn(runtime.info()), err.columns)));
    const denoiser = await Denoiser.open(runtime, { model1, model2 });
    const detector = model && (await VoiceActivity.open(runtime, { model }));
    const clean: Float32Array[] = [];
    const probabilities: number[] = [];
    const began = performance.now();
    for (const samples of channels) {
      const done = new Float32Array(samples.length);
      let at = 0;
      const put = (some: Float32Array) => {
        done.set(some, at);
        at += some.length;
      };
      for await (const piece of pieces(samples, interrupt.signal)) put(await denoiser.process(piece));
      put(await denoiser.flush());
      clean.push(done);
    }
    const seconds = (performance.now() - began) / 1000;
    if (detector)
      for await (const piece of pieces(clean[0]!, interrupt.signal))
        probabilities.push(...(await detector.process(piece)));
    const encoder = await encoderOfWav({ sampleRate: RATE });
    const parts = [encoder.encode(clean), encoder.flush()];
    await writeFileAtomic(to, Buffer.concat(parts));
    const length = clean[0]!.length / RATE;
    const factor = seconds / (length * channels.length);
    const speech = detector && spansOf(probabilities);
    const frame = (factor * 1000 * 128) / RATE;
    if (flags.json) {
      const { backend } = runtime.info();
      out.line(
        JSON.stringify({
          out: to,
          seconds: length,
          channels: clean.length,
          backend,
          realTimeFactor: factor,
          millisecondsPerFrame: frame,
          ...(speech && { speech }),
        }),
      );
      return 0;
    }
    out.line(
      `${to}: ${length.toPrecision(2)} s of sound in ${seconds.toPrecision(2)} s, real-time factor ${factor.toFixed(3)} (${frame.toFixed(2)} ms for a frame of 8 ms)`,
    );
    if (speech) {
      const spoken = speech.reduce((sum, [start, end]) => sum + end - start, 0);
      out.line(
        `speech: ${((100 * spoken) / length).toFixed(0)} %${speech.map(([start, end]) => `, ${start.toFixed(1)}–${end.toFixed(1)} s`).join("")}`,
      );
    }
    return 0;
  } catch (error) {
    if (interrupt.exitCode === undefined) throw error;
    err.line(`stopped; ${to} was not written`);
    return interrupt.exitCode;
  } finally {
    interrupt.release();
    runtime.dispose();
  }
}
