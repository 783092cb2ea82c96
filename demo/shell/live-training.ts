/** The page's side of a training in a worker: what it reports as signals, and questions to what it trains. */
import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { RuntimeInfo } from "../../src/index.ts";
import type { BackendWish, Failure, Message, Point, Request } from "./messages.ts";

/** `opening` the runtime, `preparing` until the first step is reported. */
export type Phase = "opening" | "preparing" | "training" | "paused" | "done" | "failed";

/** Steps a second at most, as the reader chooses. */
export const speeds = [1, 5, 25, Number.POSITIVE_INFINITY] as const;

/** Beyond this many points every second of the older ones goes: a chart is some 500 pixels wide. */
const MOST_POINTS = 1500;
/** Milliseconds between two questions that a training's progress repeats, and how many times longer they are than an answer takes. */
const ASK_EVERY = 300;
const TIMES_LONGER = 3;

const backends = ["auto", "gpu", "wasm", "cpu"] as const;
// An address with ?backend=gpu insists on WebGPU, and takes a software adapter, too.
const wanted = new URLSearchParams(location.search).get("backend");
const asked: BackendWish | undefined = backends.find((known) => known === wanted);

// biome-ignore lint/suspicious/noExplicitAny: each question has an argument of its own type
type AnyQuestions = Readonly<Record<string, (subject: any, argument: any, runtime: any) => unknown>>;
type Argument<Q> = Q extends (subject: never, argument: infer A, runtime: never) => unknown ? A : never;
type Answer<Q> = Q extends (...given: never[]) => infer R ? Awaited<R> : never;

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/**
 * A training in a worker that begins when the page opens. `Settings` and `View` are those of its {@link Run}, `Q` the type of its
 * questions.
 */
export class LiveTraining<Settings, View, Q extends AnyQuestions = Record<never, never>> {
  readonly phase = signal<Phase>("opening");
  /** Counts the trainings of this page: 1 is the first. */
  readonly run = signal(0);
  readonly info = signal<RuntimeInfo | undefined>(undefined);
  readonly step = signal(0);
  readonly steps = signal(0);
  readonly stepsPerSecond = signal(0);
  readonly points = signal<readonly Point[]>([]);
  readonly view = signal<View | undefined>(undefined);
  readonly failure = signal<Failure | undefined>(undefined);
  readonly speed = signal<number>(Number.POSITIVE_INFINITY);
  readonly #page: string;
  readonly #settings: () => Settings;
  readonly #backend: () => BackendWish;
  #worker: Worker | undefined;
  /** What the worker has opened. */
  #opened: BackendWish | undefined;
  #asked = 0;
  readonly #waiting = new Map<number, Waiting>();

  /**
   * @param page whose worker.ts has the program
   * @param settings of a training that begins; what it reads of signals begins it anew when that changes
   * @param backend where the address does not say; a dozen numbers are computed sooner, and in float64, without a GPU. As a function
   *   the reader's choice on the page, undefined where there is none; another one begins the training anew, in a new worker
   */
  constructor(page: string, settings: () => Settings, backend: BackendWish | (() => BackendWish | undefined) = "auto") {
    this.#page = page;
    this.#settings = settings;
    this.#backend = typeof backend === "string" ? () => asked ?? backend : () => backend() ?? asked ?? "auto";
    effect(() => {
      settings();
      this.#backend();
      // The first time as well: a page trains from its opening on.
      this.start();
    });
    effect(() => this.#send({ type: "speed", stepsPerSecond: this.speed.value }));
    // A page that is left frees all of it, and comes back from the browser's memory as a new one.
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", ({ persisted }) => {
      if (persisted) this.start();
    });
  }

  /** Begins anew, with the settings as they are now. */
  start(): void {
    if (this.phase.peek() === "failed" || this.#backend() !== this.#opened) this.#close();
    const settings = this.#settings();
    this.run.value = this.run.peek() + 1;
    this.points.value = [];
    this.view.value = this.failure.value = undefined;
    this.step.value = this.steps.value = this.stepsPerSecond.value = 0;
    this.phase.value = this.#worker ? "preparing" : "opening";
    this.#worker ??= this.#open();
    this.#send({ type: "start", run: this.run.peek(), settings, stepsPerSecond: this.speed.peek() });
  }

  pause(): void {
    if (this.phase.value !== "training") return;
    this.phase.value = "paused";
    this.#send({ type: "pause" });
  }

  continue(): void {
    if (this.phase.value !== "paused") return;
    this.phase.value = "training";
    this.#send({ type: "continue" });
  }

  /** Of a training that is paused. */
  oneStep(): void {
    if (this.phase.value === "paused") this.#send({ type: "oneStep" });
  }

  /**
   * Asks what is trained now, between two of its steps; undefined before there is anything to ask.
   * @throws what the question throws
   */
  ask<K extends keyof Q & string>(question: K, argument: Argument<Q[K]>): Promise<Answer<Q[K]> | undefined> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting["resolve"], reject });
      this.#send({ type: "ask", id, question, argument });
    });
  }

  #open(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: this.#page });
    worker.addEventListener("message", ({ data }: MessageEvent<Message>) => this.#receive(data));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#fail({ code: "WORKER", message: event.message ?? "" });
    });
    this.#opened = this.#backend();
    this.info.value = undefined;
    worker.postMessage({ type: "open", backend: this.#opened } satisfies Request);
    return worker;
  }

  #close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { resolve } of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }

  #send(request: Request): void {
    this.#worker?.postMessage(request);
  }

  #fail(failure: Failure): void {
    this.failure.value = failure;
    this.phase.value = "failed";
  }

  #receive(message: Message): void {
    if (message.type === "opened") {
      this.info.value = message.info;
      if (this.phase.value === "opening") this.phase.value = "preparing";
    } else if (message.type === "failed") this.#fail(message.failure);
    else if (message.type === "answer" || message.type === "refused") {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.type === "answer") waiting?.resolve(message.answer);
      else waiting?.reject(new Error(message.failure.message));
    } else if (message.run !== this.run.peek()) return;
    else if (message.type === "done") this.phase.value = "done";
    else {
      if (this.phase.value === "preparing") this.phase.value = "training";
      if (message.pauses) this.phase.value = "paused";
      this.step.value = message.step;
      this.steps.value = message.steps;
      if (message.stepsPerSecond > 0) this.stepsPerSecond.value = message.stepsPerSecond;
      if (message.view !== undefined) this.view.value = message.view as View;
      if (message.points.length > 0) this.points.value = thinned([...this.points.value, ...message.points]);
    }
  }
}

/** Drops every second point when there are too many, except those that have what most have not. */
function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= MOST_POINTS) return points;
  const usual = points.map((point) => Object.keys(point).length).sort((a, b) => a - b)[points.length >> 1]!;
  return points.filter((point, i) => i % 2 === 1 || Object.keys(point).length > usual);
}

/** An answer, and what it is the answer to. */
export interface Answered<A, R> {
  readonly argument: A;
  readonly answer?: R;
  /** Why there is none. */
  readonly refused?: string;
}

/**
 * The answer to a question in a component, asked again when the argument changes and while the training goes on. The last answer
 * stays until the next one comes.
 * @param every milliseconds from an answer to the next question, where the argument is the same
 */
export function useAnswer<Settings, View, Q extends AnyQuestions, K extends keyof Q & string>(
  training: LiveTraining<Settings, View, Q>,
  question: K,
  argument: Argument<Q[K]>,
  every = ASK_EVERY,
): Answered<Argument<Q[K]>, Answer<Q[K]>> | undefined {
  const [answered, setAnswered] = useState<Answered<Argument<Q[K]>, Answer<Q[K]>>>();
  const key = JSON.stringify(argument);
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let askedAt = -1;
    let isAsking = false;
    const ask = async (mark: number) => {
      isAsking = true;
      askedAt = mark;
      const began = performance.now();
      try {
        const answer = await training.ask(question, argument);
        if (!isOver) setAnswered(answer === undefined ? undefined : { argument, answer });
      } catch (error) {
        if (!isOver) setAnswered({ argument, refused: (error as Error).message });
      }
      const rest = Math.max(every, TIMES_LONGER * (performance.now() - began));
      timer = setTimeout(() => {
        isAsking = false;
        look();
      }, rest);
    };
    /** Where the training stands: another mark, another answer. */
    const mark = (step: ReadonlySignal<number>, phase: ReadonlySignal<Phase>) =>
      phase.value === "done" ? Number.MAX_SAFE_INTEGER : step.value;
    const look = () => {
      const now = mark(training.step, training.phase);
      if (!isOver && !isAsking && now !== askedAt && now > 0) void ask(now);
    };
    const stop = effect(look);
    return () => {
      isOver = true;
      stop();
      clearTimeout(timer);
    };
  }, [training, question, key]);
  return answered;
}
