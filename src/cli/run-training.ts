import { setImmediate } from "node:timers/promises";
import { writeFileAtomic } from "../io/files.ts";
import {
  type CharModelOptions,
  type CharText,
  type CharTraining,
  type Checkpoint,
  checkSameText,
  DeviceLostError,
  DivergedError,
  parameterCount,
  prepareText,
  type ResumeChanges,
  Runtime,
  type RuntimeOptions,
  readCheckpoint,
  resumeTraining,
  saveCheckpoint,
  startTraining,
  type TrainingSettings,
  WebGpuRnnError,
} from "../node.ts";
import { type BackendFlags, runtimeOptions } from "./backend.ts";
import type { NamedText } from "./default-text.ts";
import { StepClock } from "./step-clock.ts";
import { messageOf } from "./terminal.ts";
import type { TrainRecord } from "./train-records.ts";

/** All that a training of the command line needs to know. */
export interface TrainingJob {
  readonly text: NamedText;
  readonly on: BackendFlags;
  /** A new model; not used when there is a checkpoint. */
  readonly config: Required<Omit<CharModelOptions, "vocabSize">>;
  readonly training: Omit<TrainingSettings, "text">;
  /** Goes on from here. */
  readonly checkpoint?: Checkpoint;
  readonly changes: ResumeChanges;
  /** How far to train in all; default: what the checkpoint's training had planned. */
  readonly amount: { readonly steps?: number; readonly epochs?: number };
  /** Steps between two of each; 0 for none but a last one. */
  readonly validateEvery: number;
  readonly sampleEvery: number;
  readonly checkpointEvery: number;
  readonly out: string;
}

export interface TrainingContext {
  report(record: TrainRecord): void;
  readonly signal: AbortSignal;
  /** Default `Runtime.open`. */
  readonly open?: (options: RuntimeOptions) => Promise<Runtime>;
}

/** Where a training ended. */
export interface Trained {
  readonly step: number;
  readonly steps: number;
  /** Whether the last step is in the file. */
  readonly saved: boolean;
}

const SAMPLE = { length: 160, atEnd: 480, temperature: 0.6, seed: 1 };

/**
 * Trains a character model and tells what happens. When the device is lost, it goes on by itself on a new one, from the
 * last checkpoint, as long as there is a new checkpoint between two losses.
 */
export async function runTraining(job: TrainingJob, context: TrainingContext): Promise<Trained> {
  const { report, signal, open = Runtime.open } = context;
  let checkpoint = job.checkpoint;
  if (checkpoint) checkSameText(checkpoint, job.text.text);
  const { window, batch, validationFraction } = checkpoint?.progress?.training ?? job.training;
  const text = prepareText(job.text.text, {
    window,
    batch,
    validationFraction,
    name: job.text.name,
    ...(checkpoint ? { vocabulary: checkpoint.vocabulary } : {}),
  });
  const { epochs } = job.amount;
  const steps =
    job.amount.steps ??
    (epochs === undefined ? undefined : Math.ceil(epochs * text.training.stepsPerEpoch)) ??
    checkpoint?.progress?.training.steps ??
    job.training.steps ??
    text.training.stepsPerEpoch;

  for (let mayRecover = true; ; ) {
    const runtime = await open(runtimeOptions(job.on));
    const state: State = { step: checkpoint?.progress?.step ?? 0, saved: undefined };
    try {
      return await train(job, { report, signal }, { runtime, text, steps, checkpoint, state });
    } catch (error) {
      const { step, saved } = state;
      if (!(error instanceof DeviceLostError) || !(mayRecover || saved)) throw error;
      if (saved) checkpoint = readCheckpoint(saved.bytes, job.out);
      mayRecover = false;
      const from = checkpoint?.progress?.step;
      const where = from === undefined ? "from the beginning" : `from step ${from}, the last checkpoint`;
      const message = `${messageOf(error)}; going on ${where} on a new one`;
      report({ type: "warning", step, code: error.code, message });
    } finally {
      runtime.dispose();
    }
  }
}

interface Run {
  readonly runtime: Runtime;
  readonly text: CharText;
  readonly steps: number;
  readonly checkpoint: Checkpoint | undefined;
  readonly state: State;
}

/** What is known about a run that may end at any moment. */
interface State {
  /** The last step that was reported. */
  step: number;
  /** The last checkpoint that was written. */
  saved: { readonly step: number; readonly bytes: Uint8Array } | undefined;
}

async function train(
  job: TrainingJob,
  { report, signal }: Pick<TrainingContext, "report" | "signal">,
  { runtime, text, steps, checkpoint, state }: Run,
): Promise<Trained> {
  const { vocabulary } = text;
  const training = checkpoint
    ? resumeTraining(runtime, checkpoint, { ...job.changes, steps })
    : startTraining(runtime, {
        config: job.config,
        vocabulary,
        training: { ...job.training, text: text.fingerprint, steps },
      });
  const { trainer, model, schedule } = training;
  const { backend, adapter, reason, tuned } = runtime.info();
  const first = trainer.steps;
  report({
    type: "start",
    backend,
    ...(adapter ? { adapter } : {}),
    reason,
    ...(tuned ? { tuned } : {}),
    config: model.options,
    parameters: parameterCount(model),
    text: { name: job.text.name, files: job.text.files, characters: text.length },
    training: training.training,
    step: first,
    steps,
    stepsPerEpoch: text.training.stepsPerEpoch,
    validationCharacters: text.validation?.tokensPerEpoch ?? 0,
    out: job.out,
  });

  const due = (every: number) => every > 0 && trainer.steps % every === 0;
  const clock = new StepClock(steps, training.training.window * training.training.batch);
  while (trainer.steps < steps && !signal.aborted) {
    const next = Math.min(
      steps,
      ...[job.validateEvery, job.sampleEvery, job.checkpointEvery].map(nextAfter(trainer.steps)),
    );
    clock.resume();
    // Nothing leaves this loop early but an error, so steps may be started before the last one's loss is read.
    const options = { steps: next - trainer.steps, signal, ahead: 3 };
    for await (const step of trainer.fit(text.training.from(trainer.steps), options)) {
      state.step = step.step;
      const { secondsLeft, tokensPerSecond } = clock.tick(step.step);
      report({ type: "step", ...step, bitsPerCharacter: step.loss / Math.LN2, tokensPerSecond, secondsLeft });
      // On the CPU a step never waits for anything, so that Ctrl-C would have no effect.
      await setImmediate();
    }
    if (signal.aborted) break;
    const end = trainer.steps === steps;
    // Validation comes before the checkpoint, so that a model that breaks in its last update does not replace a good one.
    if (text.validation && (end || due(job.validateEvery))) {
      const { loss } = await runtime.evaluate(model, text.validation.epoch());
      if (!Number.isFinite(loss)) throw diverged(trainer.steps, loss);
      // A schedule that listens must hear the same with and without a stop in between.
      if (due(job.validateEvery)) schedule.observe?.(loss);
      report({ type: "validation", step: trainer.steps, loss, bitsPerCharacter: loss / Math.LN2 });
    }
    if (job.sampleEvery > 0 && (end || due(job.sampleEvery))) {
      const length = end ? SAMPLE.atEnd : SAMPLE.length;
      const sample = await sampleText(runtime, training, length, signal);
      if (!signal.aborted) report({ type: "sample", step: trainer.steps, ...sample });
    }
    if (!end && due(job.checkpointEvery)) {
      try {
        await save(job.out, training, state, report);
      } catch (error) {
        // A full disk now need not be one at the end: only the last save has to succeed.
        if (!(error instanceof WebGpuRnnError) || error.code !== "WRITE") throw error;
        report({
          type: "warning",
          step: trainer.steps,
          code: error.code,
          message: `${error.message}; training goes on`,
        });
      }
    }
  }
  if (trainer.steps > first && state.saved?.step !== trainer.steps) await save(job.out, training, state, report);
  return { step: trainer.steps, steps, saved: trainer.steps > first };
}

const nextAfter = (step: number) => (every: number) =>
  every > 0 ? (Math.floor(step / every) + 1) * every : Number.POSITIVE_INFINITY;

const diverged = (step: number, loss: number) =>
  new DivergedError(
    step,
    `training diverged in step ${step}: the validation loss after it is ${loss}; go back to the last checkpoint with a smaller learning rate or a clipNorm`,
  );

async function save(
  out: string,
  training: CharTraining,
  state: State,
  report: TrainingContext["report"],
): Promise<void> {
  const { steps: step } = training.trainer;
  const bytes = await saveCheckpoint(training);
  await writeFileAtomic(out, bytes);
  state.saved = { step, bytes };
  report({ type: "checkpoint", step, path: out, bytes: bytes.length });
}

async function sampleText(
  runtime: Runtime,
  { model, vocabulary }: CharTraining,
  length: number,
  signal: AbortSignal,
): Promise<{ prompt: string; text: string }> {
  // A line's beginning, where there are lines.
  const prompt = vocabulary.symbols.includes("\n") ? "\n" : vocabulary.symbols[0]!;
  const { temperature, seed } = SAMPLE;
  let text = "";
  const drawn = runtime.generate(model, { prompt: vocabulary.encode(prompt), length, temperature, seed, signal });
  for await (const { tokens } of drawn) text += vocabulary.decode(tokens);
  return { prompt, text };
}
