/** One model at a time: trains it, samples from it, saves and loads it. Runs in the worker, and knows nothing of pages. */
import {
  type CharModel,
  type CharText,
  type CharTraining,
  type Checkpoint,
  DivergedError,
  loadModel,
  parameterCount,
  prepareText,
  type ResumeChanges,
  Runtime,
  readCheckpoint,
  resumeTraining,
  saveCheckpoint,
  saveModel,
  startTraining,
  type Vocabulary,
  WebGpuRnnError,
} from "../src/index.ts";
import type { Backend, ModelReport, Phase, Point, Report, Request, Sampling, Settings } from "./messages.ts";
import { drawSample, heldOutBits } from "./sample.ts";
import { fitBatch, hasRows, onlyKnown, settingsOf } from "./text-fit.ts";

type Post = (report: Report, transfer?: Transferable[]) => void;
type Load = Extract<Request, { type: "load" }>;

interface Current {
  readonly model: CharModel;
  readonly vocabulary: Vocabulary;
  /** Absent when the model can only write. */
  readonly learning?: {
    readonly training: CharTraining;
    readonly text: CharText;
    until: number;
    readonly steps: number;
  };
  readonly step: number;
}

interface Snapshot {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly step: number;
}

/** Reports go to the page at most this often, so that it has nothing to do most of the time. */
const reportEvery = 200;
/** Milliseconds between two texts, and how many times longer training lasts than writing. */
const sampleEvery = 2000;
const trainingShare = 5;
const firstSample = 10;
const heldOutFraction = 0.1;

export class Session {
  readonly #post: Post;
  readonly #requests: Request[] = [];
  #wake: () => void = () => {};
  /** What is opened. */
  #backend: Backend = "auto";
  #runtime: Runtime | undefined;
  #current: Current | undefined;
  #text = "";
  #training = false;
  #sampling: Sampling = { temperature: 0.8, prompt: "" };
  #seed = 1;
  #speed = 0;
  #nextSample = 0;
  /** Where training can go back to, taken with every sample: a loss that becomes NaN spoils the weights. */
  #lastGood: Snapshot | undefined;
  #diverged = false;

  constructor(post: Post) {
    this.#post = post;
    void this.#serve();
  }

  receive(request: Request): void {
    this.#requests.push(request);
    this.#wake();
  }

  /** Every request waits for the end of a training step and interrupts training; it goes on afterwards. */
  async #serve(): Promise<never> {
    for (;;) {
      const request = this.#requests.shift();
      try {
        if (request) await this.#handle(request);
        else if (this.#training) await this.#train();
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      } catch (error) {
        this.#fail(error, request);
      }
    }
  }

  async #handle(request: Request): Promise<void> {
    if (request.type === "open") await this.#open(request.backend);
    else if (request.type === "start") await this.#start(request.settings, request.text);
    else if (request.type === "load") await this.#load(request);
    else if (request.type === "goBack") await this.#goBack();
    else if (request.type === "sampling") this.#sampling = request.sampling;
    else if (request.type === "sample") await this.#sample();
    else if (request.type === "save") await this.#save();
    else if (request.type === "pause") {
      this.#training = false;
      if (this.#current) this.#phase("paused");
    } else {
      const learning = this.#current?.learning;
      if (!learning) return;
      if (learning.training.trainer.steps >= learning.until) learning.until += learning.steps;
      this.#training = true;
      this.#phase("training");
    }
  }

  #phase(phase: Phase): void {
    this.#post({ type: "phase", phase });
  }

  #fail(error: unknown, request: Request | undefined): void {
    const code = error instanceof WebGpuRnnError ? error.code : "OTHER";
    const message = error instanceof Error ? error.message : String(error);
    // What was asked for did not happen; training that was under way before it may go on.
    const stops = !request || code === "DEVICE_LOST" || code === "DIVERGED" || !this.#current;
    if (stops) this.#training = false;
    this.#diverged = code === "DIVERGED";
    const back = this.#diverged || code === "DEVICE_LOST" ? this.#lastGood : undefined;
    this.#post({ type: "failure", failure: { code, message, ...(back ? { lastGood: back.step } : {}) } });
    if (stops) this.#phase(this.#current ? "failed" : "ready");
    else this.#phase(this.#training ? "training" : "paused");
  }

  /** A fresh runtime, so that nothing of the model before is left in the GPU's memory. */
  async #open(backend = this.#backend): Promise<Runtime> {
    this.#backend = backend;
    this.#runtime?.dispose();
    this.#runtime = undefined;
    const runtime = await Runtime.open({ backend });
    this.#runtime = runtime;
    this.#post({ type: "opened", info: runtime.info() });
    void runtime.lost.then((error) => {
      // A device that goes away during a step fails that step; one that was disposed of is not missed.
      if (this.#runtime === runtime && !this.#training) this.#fail(error, undefined);
    });
    return runtime;
  }

  async #start(settings: Settings, text: string): Promise<void> {
    const { cell, hiddenSize, numLayers, embeddingDim, window, learningRate, clipNorm, steps } = settings;
    const validationFraction = heldOutFraction;
    const batch = fitBatch(text, { window, batch: settings.batch, validationFraction });
    const prepared = prepareText(text, { window, batch, validationFraction });
    this.#forget();
    const runtime = await this.#open();
    const training = startTraining(runtime, {
      config: { cell, hiddenSize, numLayers, embeddingDim },
      vocabulary: prepared.vocabulary,
      training: {
        window,
        batch,
        optimizer: { name: "adam", lr: learningRate },
        ...(clipNorm > 0 ? { clipNorm } : {}),
        seed: 0,
        validationFraction,
        text: prepared.fingerprint,
        ...(steps > 0 ? { steps } : {}),
      },
    });
    this.#text = text;
    this.#take(training, prepared, steps);
    this.#reportModel(0, false);
    this.#begin();
  }

  #forget(): void {
    this.#training = false;
    this.#current = undefined;
    this.#lastGood = undefined;
    this.#seed = 1;
    this.#speed = 0;
  }

  #take(training: CharTraining, text: CharText, steps: number): void {
    const every = steps > 0 ? steps : Number.POSITIVE_INFINITY;
    const { model, vocabulary, trainer } = training;
    this.#current = {
      model,
      vocabulary,
      learning: { training, text, until: trainer.steps + every, steps: every },
      get step() {
        return trainer.steps;
      },
    };
  }

  #begin(): void {
    this.#nextSample = 0;
    this.#training = true;
    this.#phase("preparing");
  }

  #reportModel(skipped: number, same: boolean, name?: string): void {
    const current = this.#current;
    if (!current) return;
    const { model, vocabulary, learning, step } = current;
    const report: ModelReport = {
      settings: settingsOf(model.options, learning?.training.training),
      parameters: parameterCount(model),
      vocabulary: vocabulary.size,
      stepsPerEpoch: learning?.text.training.stepsPerEpoch ?? 0,
      step,
      skipped,
      same,
      ...(name === undefined ? {} : { name }),
    };
    this.#post({ type: "model", model: report });
  }

  /** Trains until there is a request, a text is due, or the steps are done. */
  async #train(): Promise<void> {
    const learning = this.#current?.learning;
    if (!learning) return;
    const { trainer } = learning.training;
    const stop = new AbortController();
    let points: Point[] = [];
    let told = performance.now();
    // The first step of all waits for the shaders, so that the clock starts at its end.
    let begun = told;
    let counted = 0;
    const tell = () => {
      told = performance.now();
      if (points.length > 0) this.#post({ type: "points", points, charactersPerSecond: this.#speed });
      points = [];
    };
    const first = trainer.steps;
    const perStep = learning.text.training.window * learning.text.training.batch;
    const steps = learning.until - first;
    // The loop ends by the signal and not by break, so that all steps that were started are reported.
    const options = { steps, signal: stop.signal, ahead: 3 };
    try {
      for await (const report of trainer.fit(learning.text.training.from(first), options)) {
        const now = performance.now();
        if (report.step === first + 1) {
          this.#phase("training");
          begun = now;
        } else this.#speed = (++counted * perStep * 1000) / (now - begun);
        points.push({ step: report.step, bits: report.loss / Math.LN2, gradNorm: report.gradNorm });
        if (now - told >= reportEvery) tell();
        // On the CPU a step never waits for anything, so that requests would never arrive.
        await nextTask();
        if (this.#requests.length > 0 || (report.step >= firstSample && performance.now() >= this.#nextSample))
          stop.abort();
      }
    } finally {
      tell();
    }
    const done = trainer.steps >= learning.until;
    if (done || (trainer.steps >= firstSample && performance.now() >= this.#nextSample)) await this.#sample(true);
    if (done) {
      this.#training = false;
      this.#phase("done");
    }
  }

  /** Writes a text. `due`: by itself while training, when it also measures the held-out text and keeps a snapshot. */
  async #sample(due = false): Promise<void> {
    const runtime = this.#runtime;
    const current = this.#current;
    if (!runtime || !current) return;
    const began = performance.now();
    const { model, vocabulary, learning } = current;
    if (due && learning) this.#lastGood = { bytes: await saveCheckpoint(learning.training), step: current.step };
    const bits = due && learning ? await heldOutBits(runtime, model, learning.text.validation) : undefined;
    const sample = await drawSample(runtime, {
      model,
      vocabulary,
      sampling: this.#sampling,
      seed: this.#seed++,
      step: current.step,
      start: this.#text,
    });
    const report = bits === undefined ? sample : { ...sample, heldOutBits: bits };
    this.#post(
      { type: "sample", sample: report },
      sample.states.map(({ values }) => values.buffer),
    );
    const now = performance.now();
    this.#nextSample = now + Math.max(sampleEvery, trainingShare * (now - began));
  }

  async #save(): Promise<void> {
    const current = this.#current;
    if (!current || !this.#runtime) return;
    const { model, learning, step } = current;
    const bytes = learning ? await saveCheckpoint(learning.training) : await saveModel(this.#runtime, current);
    const name = `${model.options.cell}-${model.options.hiddenSize}-step-${step}.safetensors`;
    this.#post({ type: "saved", bytes, name }, [bytes.buffer]);
  }

  async #load({ bytes, name, text, steps }: Load): Promise<void> {
    const checkpoint = readCheckpoint(bytes, name);
    this.#forget();
    await this.#resume(checkpoint, text, steps);
  }

  async #goBack(): Promise<void> {
    const back = this.#lastGood;
    if (!back) throw new DivergedError(0, "no step was kept to go back to; start over");
    const steps = this.#current?.learning?.steps ?? 0;
    const checkpoint = readCheckpoint(back.bytes, `step ${back.step}`);
    const { lr } = (checkpoint.progress?.training.optimizer ?? {}) as { lr?: number };
    // The same steps at the same rate would end the same way.
    const changes = this.#diverged && lr !== undefined ? { lr: lr / 2 } : {};
    await this.#resume(checkpoint, this.#text, Number.isFinite(steps) ? steps : 0, { changes, same: true });
  }

  async #resume(
    checkpoint: Checkpoint,
    text: string,
    steps: number,
    { changes = {}, same = false }: { changes?: ResumeChanges; same?: boolean } = {},
  ): Promise<void> {
    const { vocabulary, progress, name } = checkpoint;
    const runtime = await this.#open();
    const { known, skipped } = onlyKnown(text, vocabulary);
    this.#text = known;
    if (progress && hasRows(known, progress.training)) {
      const { window, batch, validationFraction } = progress.training;
      const prepared = prepareText(known, { window, batch, validationFraction, vocabulary });
      // The text may be another one; a file that is saved from here on names this one.
      const training = { ...progress.training, text: prepared.fingerprint };
      const changed = { ...checkpoint, progress: { ...progress, training } };
      const resumed = resumeTraining(runtime, changed, changes);
      this.#take(resumed, prepared, steps);
      this.#lastGood = { bytes: await saveCheckpoint(resumed), step: progress.step };
    } else {
      this.#current = { ...loadModel(runtime, checkpoint), step: progress?.step ?? 0 };
    }
    this.#reportModel(skipped, same, same ? undefined : name);
    this.#phase("paused");
    await this.#sample();
  }
}

/** Lets what the page sent arrive; a timer would take 4 ms. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
