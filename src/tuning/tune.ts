import type { AdapterInfo } from "../adapter/adapter-report.ts";
import { checkNumber, checkOptions, checkSwitch, LimitError } from "../errors.ts";
import { type Chosen, questionKey, runsOn, variantsOf } from "../kernels/choose-variant.ts";
import { hardware, hardwareClass, predict } from "../kernels/hardware-model.ts";
import type { Weights } from "../nn/weights.ts";
import type { Backend } from "../plan/backend.ts";
import type { Plan, Target, VariantChoice } from "../plan/plan.ts";
import { faultOf, labelsThatDiffer, partOf, TuningMemory } from "./plan-part.ts";
import { keepTable, keptTable } from "./table-store.ts";
import { type Clock, isFaster, type Times, timeInTurns } from "./time-in-turns.ts";
import type { Tuned, TunedCandidate, TunedQuestion, TuneOptions } from "./tune-options.ts";
import { planMaker } from "./tuned-plan.ts";
import { adapterKey, makeTable, readTable } from "./tuning-table.ts";

/** What a tuning works on. */
export interface Tuning {
  readonly backend: Backend;
  readonly adapter: AdapterInfo | undefined;
  readonly weights: Weights;
  /** Milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/** Seconds that a tuning may take. */
const TIME_LIMIT = 50;
/** The part of them that is for the questions; the rest is for the whole plan. */
const FOR_QUESTIONS = 0.85;

const OPTIONS = ["inputs", "trainer", "batch", "timeLimit", "keep", "signal", "onProgress"];

/** On a software adapter, a variant that is predicted to take so many times as long as another one is left out. */
const HOPELESS = 2;

/** One tuning of a backend after the other: two at once would time each other. */
const running = new WeakMap<Backend, Promise<unknown>>();

/** See `Runtime.tune`. */
export async function tune(tuning: Tuning, options: TuneOptions): Promise<Tuned> {
  checkOptions("tune", options, OPTIONS);
  const { timeLimit = TIME_LIMIT, keep = true } = options;
  checkNumber("tune", "timeLimit", timeLimit, 0);
  checkSwitch("tune", "keep", keep);
  const { backend } = tuning;
  const before = running.get(backend);
  const work = (async () => {
    await before?.catch(() => {});
    return new Tuner(tuning, options, timeLimit, keep).run();
  })();
  running.set(backend, work);
  return work;
}

class Tuner {
  readonly #backend: Backend;
  readonly #tuning: Tuning;
  readonly #options: TuneOptions;
  readonly #keep: boolean;
  readonly #now: () => number;
  readonly #start: number;
  readonly #timeLimit: number;
  readonly #notes: string[] = [];
  readonly #questions: TunedQuestion[] = [];

  constructor(tuning: Tuning, options: TuneOptions, timeLimit: number, keep: boolean) {
    this.#backend = tuning.backend;
    this.#tuning = tuning;
    this.#options = options;
    this.#keep = keep;
    this.#now = tuning.now ?? (() => performance.now());
    this.#start = this.#now();
    this.#timeLimit = timeLimit;
  }

  /** @param end when time is over, as `now` tells it */
  #clock(end: number): Clock {
    const check = () => this.#options.signal?.throwIfAborted();
    return { now: this.#now, check, isOver: () => this.#now() > end };
  }

  #after(share: number): number {
    return this.#start + share * this.#timeLimit * 1000;
  }

  async run(): Promise<Tuned> {
    const { backend, adapter: info } = this.#tuning;
    const clock = this.#clock(this.#after(FOR_QUESTIONS));
    clock.check();
    if (backend.kind !== "gpu") {
      this.#notes.push(
        `nothing to tune: on "${backend.kind}" every kernel has one variant; open a GPU with { backend: "gpu" }`,
      );
      return this.#result("", {}, undefined);
    }
    const adapter = info ? adapterKey(info) : "an adapter without a name";
    const make = await planMaker(this.#tuning.weights, this.#options);
    /** The plan with these variants, and what was asked for it. */
    const planWith = async (tuned: Readonly<Record<string, unknown>>) => {
      const asked = new Map<string, VariantChoice>();
      const onChoice = (choice: VariantChoice) => asked.set(questionKey(choice.kernel, choice.shape), choice);
      const target: Target = { ...backend.target, tuned, onChoice };
      return { plan: await make(target), asked };
    };
    const choices: Record<string, unknown> = {};
    const answered = new Set<string>();
    let unfinished = 0;
    for (;;) {
      // Anew after each answer: another variant may ask for more.
      const { asked } = await planWith(choices);
      const next = [...asked].find(([key]) => !answered.has(key));
      if (!next) break;
      const [key, { kernel, shape, variant: usual }] = next;
      answered.add(key);
      if (clock.isOver()) {
        unfinished++;
        continue;
      }
      const others = variantsOf(kernel as Chosen).filter((one) => runsOn(backend.target, one) && !isSame(one, usual));
      const variants = [usual, ...others];
      const plans: Plan[] = [];
      for (const variant of variants) plans.push((await planWith({ ...choices, [key]: variant })).plan);
      const question = await this.#ask({ kernel, shape, key, variants, plans }, clock);
      if (question === "one way") continue;
      if (question === "no time") {
        unfinished++;
        continue;
      }
      choices[key] = question.chosen;
      this.#questions.push(question);
      this.#options.onProgress?.({ done: answered.size, of: asked.size, question });
    }
    if (unfinished > 0)
      this.#notes.push(
        `${unfinished} questions were not reached in ${this.#timeLimit} seconds and stay with the built-in choice; a longer time limit reaches them`,
      );
    const whole = await this.#compare((await planWith({})).plan, (await planWith(choices)).plan);
    if (whole && isSlower(whole.tuned, whole.default)) {
      this.#notes.push("the whole plan was slower with these variants: none of them is taken");
      return this.#result(adapter, {}, whole);
    }
    return this.#result(adapter, choices, whole);
  }

  /** Checks and times the variants of a question, the usual one first. */
  async #ask(
    {
      kernel,
      shape,
      key,
      variants,
      plans,
    }: Omit<TunedQuestion, "candidates" | "chosen"> & {
      readonly variants: readonly unknown[];
      readonly plans: readonly Plan[];
    },
    clock: Clock,
  ): Promise<TunedQuestion | "one way" | "no time"> {
    const labels = labelsThatDiffer(plans);
    const machine = hardware[hardwareClass({ ...this.#tuning.adapter, software: this.#backend.target.software })];
    const all = variants.map((variant, i) => {
      const part = partOf(plans[i]!, labels);
      return {
        variant,
        part,
        text: JSON.stringify(part.commands),
        predicted: predict(machine, kernel, shape, variant),
      };
    });
    const different = all.filter(({ text }, i) => all.findIndex((one) => one.text === text) === i);
    if (different.length === 1) return "one way";
    const least = Math.min(...different.map(({ predicted = Number.POSITIVE_INFINITY }) => predicted));
    // Pipelines take seconds to compile there, and the model was measured there.
    const isHopeless = ({ predicted = 0 }) => this.#backend.target.software && predicted > HOPELESS * least;
    const parts = different.filter((one, i) => i === 0 || !isHopeless(one));
    if (parts.length === 1) {
      const candidates = different.map(({ variant, predicted }) => ({
        variant,
        ...(predicted !== undefined && { predicted }),
      }));
      return { kernel, shape, key, candidates, chosen: different[0]!.variant };
    }
    const memory = new TuningMemory(this.#backend, this.#tuning.weights.name);
    try {
      // Compiling may take seconds, and the other questions want time, too.
      const most = this.#clock((this.#now() + this.#after(FOR_QUESTIONS)) / 2);
      const faults: (string | undefined)[] = [];
      for (const { part } of parts) {
        clock.check();
        if (most.isOver()) break;
        faults.push(await faultOf(this.#backend, memory, part));
      }
      if (faults.length < 2) return "no time";
      const right = parts.filter((_, i) => i < faults.length && faults[i] === undefined);
      const times = await timeInTurns(
        this.#backend,
        memory,
        right.map(({ part }) => part),
        clock,
      );
      if (times.includes(undefined)) return "no time";
      const timesFor = (one: (typeof parts)[number]): Times | undefined => times[right.indexOf(one)];
      const usual = timesFor(parts[0]!);
      const best = right
        .filter((one) => !usual || isFaster(timesFor(one)!, usual))
        .sort((a, b) => timesFor(a)!.median - timesFor(b)!.median)[0];
      const candidates = different.map((one): TunedCandidate => {
        const { variant, predicted } = one;
        const [fault, microseconds] = [faults[parts.indexOf(one)], timesFor(one)];
        return {
          variant,
          ...(microseconds && { microseconds }),
          ...(predicted !== undefined && { predicted }),
          ...(fault !== undefined && { fault }),
        };
      });
      return { kernel, shape, key, candidates, chosen: (best ?? parts[0]!).variant };
    } finally {
      memory.dispose();
    }
  }

  /** Times the whole plan with the usual variants and with the chosen ones; undefined where they are the same, or time ran out. */
  async #compare(usual: Plan, chosen: Plan): Promise<Tuned["whole"] | undefined> {
    if (JSON.stringify(usual.commands) === JSON.stringify(chosen.commands)) return undefined;
    const memory = new TuningMemory(this.#backend, this.#tuning.weights.name);
    try {
      const parts = [partOf(usual), partOf(chosen)];
      const [before, after] = await timeInTurns(this.#backend, memory, parts, this.#clock(this.#after(1)));
      return before && after && { default: before, tuned: after };
    } catch (error) {
      if (!(error instanceof LimitError)) throw error;
      this.#notes.push(`the whole plan was not timed: ${error.message}`);
      return undefined;
    } finally {
      memory.dispose();
    }
  }

  async #result(
    adapter: string,
    choices: Readonly<Record<string, unknown>>,
    whole: Tuned["whole"] | undefined,
  ): Promise<Tuned> {
    this.#options.signal?.throwIfAborted();
    const seconds = (this.#now() - this.#start) / 1000;
    const keptAt = this.#keep && Object.keys(choices).length > 0 ? await this.#kept(adapter, choices) : undefined;
    return {
      table: makeTable(adapter, choices),
      questions: this.#questions,
      seconds,
      notes: this.#notes,
      ...(whole && { whole }),
      ...(keptAt !== undefined && { keptAt }),
    };
  }

  /** Keeps the choices beside those for other models that are there. @returns where, in words; undefined where that failed */
  async #kept(adapter: string, choices: Readonly<Record<string, unknown>>): Promise<string | undefined> {
    const before = await keptTable(adapter)
      .then((table) => (table === undefined ? {} : readTable(table, adapter).choices))
      .catch(() => ({})); // what cannot be read is replaced
    try {
      return await keepTable(adapter, makeTable(adapter, { ...before, ...choices }));
    } catch (error) {
      this.#notes.push(`the table could not be kept: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }
}

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Slower by more than noise: the middle halves of the rounds do not touch. */
const isSlower = (one: Times, other: Times): boolean => one.low > other.high;
