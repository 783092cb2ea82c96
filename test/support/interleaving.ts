/** Overlapping operations on one runtime: each is compared with what it gives in a quiet order. */
import { expect } from "vitest";
import type { Program, Runtime, StateDict } from "../../src/node.ts";
import { type SessionOp, Sessions } from "./interleaving-sessions.ts";
import { type TrainerOp, Trainers } from "./interleaving-trainers.ts";
import { Events, isSame, type Scene, set, type Which, type World } from "./quiet-order.ts";
import {
  batchOf,
  beams,
  compile,
  type Drawing,
  draw,
  evaluate,
  models,
  type Name,
  type QuietRuntime,
} from "./quiet-runtime.ts";

type OfModel = { readonly which: Which };
type ModelOp =
  | ({ kind: "state dict" | "load state dict" | "compile" | "release" } & OfModel)
  | ({ kind: "initialize"; seed: number } & OfModel)
  | ({ kind: "evaluate"; batches: number[] } & OfModel)
  | ({ kind: "beam search"; prompt: number[] } & OfModel)
  | ({ kind: "generate"; drawing: Drawing } & OfModel)
  | ({ kind: "draw" | "leave"; number: number } & OfModel)
  | ({ kind: "run"; batch: number } & OfModel)
  | TrainerOp;
/** What may be started. Where a number names something that there is not, nothing happens. */
export type Op = ModelOp | { kind: "session"; T: number } | SessionOp | { kind: "dispose" };
/** What happens before the next one starts. */
export type Pause = "none" | "microtasks" | "turn" | "settle";

interface Drawn {
  readonly drawing: Drawing;
  readonly chunks: ReturnType<typeof draw>;
  /** From its first chunk on: whether what it began with was released. */
  gone: (() => boolean) | undefined;
  isOver: boolean;
}

export class Interleaving {
  readonly #scene: Scene;
  readonly #bytes: () => number | undefined;
  readonly #trainers: Trainers;
  readonly #sessions: Sessions;
  #world: World;
  #isDisposed = false;
  /** How often a model was released. */
  readonly #released: Record<Which, number> = { text: 0, streams: 0 };
  /** Models that have weights. */
  readonly #used = new Set<Which>();
  readonly #drawings: Drawn[] = [];
  readonly #programs = new Map<Which, Promise<Program | undefined>>();

  private constructor(
    given: Pick<Scene, "runtime" | "quiet" | "names" | "untrained" | "drawn">,
    bytes: () => number | undefined,
  ) {
    const isDisposed = () => this.#isDisposed;
    this.#scene = {
      ...given,
      events: new Events(isDisposed),
      isDisposed,
      goneWith: (which) => {
        const was = this.#released[which];
        return () => this.#isDisposed || this.#released[which] !== was;
      },
    };
    this.#bytes = bytes;
    this.#trainers = new Trainers(this.#scene);
    this.#sessions = new Sessions(this.#scene);
    const none = new Map();
    this.#world = {
      weights: { text: given.drawn.text[0]!, streams: given.drawn.streams[0]! },
      trainings: none,
      reports: none,
      drawn: none,
      sessions: none,
    };
  }

  /** @param bytes what the runtime has on its device, where that can be told */
  static async begin(
    runtime: Runtime,
    quiet: QuietRuntime,
    names: Readonly<Record<Which, Name>>,
    bytes: () => number | undefined,
  ): Promise<Interleaving> {
    const drawn = async (which: Which) => {
      const all: StateDict[] = [];
      for (const seed of [0, 1, 2]) all.push(await quiet.drawn(names[which], seed));
      return all;
    };
    const untrained = { text: await quiet.untrained(names.text), streams: await quiet.untrained(names.streams) };
    const weights = { text: await drawn("text"), streams: await drawn("streams") };
    return new Interleaving({ runtime, quiet, names, untrained, drawn: weights }, bytes);
  }

  /** Results that were as in a quiet order, and operations that were refused. */
  get counts(): { readonly compared: number; readonly refused: number } {
    const { compared, refused } = this.#scene.events;
    return { compared, refused };
  }

  async pause(pause: Pause): Promise<void> {
    if (pause === "microtasks") for (let i = 0; i < 5; i++) await undefined;
    if (pause === "turn") await new Promise((resolve) => setTimeout(resolve));
    if (pause === "settle" || this.#scene.events.count > 9) await this.settle();
  }

  start(op: Op): void {
    if ("which" in op) this.#ofModel(op);
    else if ("number" in op) this.#sessions.start(op);
    else if (op.kind === "session") {
      this.#used.add("streams");
      this.#sessions.open(op.T);
    } else {
      this.#scene.runtime.dispose();
      this.#isDisposed = true;
    }
  }

  #ofModel(op: ModelOp): void {
    const { runtime, quiet, names, events, drawn, goneWith, isDisposed } = this.#scene;
    const { which } = op;
    const name = names[which];
    const model = models[name];
    const gone = goneWith(which);
    const weightsAre = (world: World, weights: StateDict): World => ({
      ...world,
      weights: { ...world.weights, [which]: weights },
    });
    const loadable = [...drawn[which], this.#world.weights[which]];
    if (op.kind !== "release") this.#used.add(which);
    switch (op.kind) {
      case "state dict":
        events.do(op.kind, () => runtime.stateDict(model), {
          gone,
          after: (world, dict) => (isSame(dict, world.weights[which]) ? world : undefined),
        });
        return;
      case "load state dict": {
        const weights = loadable[events.tick() % loadable.length]!;
        events.do(op.kind, () => runtime.loadStateDict(model, weights), {
          after: (world) => weightsAre(world, weights),
        });
        return;
      }
      case "initialize":
        events.do(op.kind, () => runtime.initialize(model, { seed: op.seed }), {
          after: (world) => weightsAre(world, drawn[which][op.seed]!),
        });
        return;
      case "release":
        events.do(op.kind, () => runtime.release(model), {
          after: (world) => ({
            ...weightsAre(world, drawn[which][0]!),
            trainings: new Map([...world.trainings].filter(([trained]) => trained.which !== which)),
          }),
        });
        this.#released[which]++;
        this.#used.delete(which);
        return;
      case "evaluate":
        events.do(`${op.kind} ${op.batches}`, () => evaluate(runtime, name, op.batches), {
          gone,
          // Its batches are to be measured with the same weights.
          busy: () => op.batches.length > 1,
          after: async (world, result) =>
            isSame(result, await quiet.evaluate(name, world.weights[which], op.batches)) ? world : undefined,
        });
        return;
      case "beam search":
        events.do(op.kind, () => beams(runtime, name, op.prompt), {
          gone,
          // Its chunks are to be of one model.
          busy: () => true,
          after: async (world, result) =>
            isSame(result, await quiet.beams(name, world.weights[which], op.prompt)) ? world : undefined,
        });
        return;
      case "compile": {
        let program: Promise<Program | undefined> = Promise.resolve(undefined);
        events.do(
          op.kind,
          () => {
            const made = compile(runtime, name);
            program = made.catch(() => undefined);
            return made;
          },
          { gone, after: (world) => world },
        );
        this.#programs.set(which, program);
        return;
      }
      case "run": {
        const program = this.#programs.get(which);
        const run = async () => (await program)?.run({ x: batchOf(name, op.batch).x });
        if (!program) return;
        events.do(op.kind, run, {
          gone: () => isDisposed() || this.#released[which] > 0,
          after: async (world, outputs) =>
            !outputs || isSame(outputs, await quiet.run(name, world.weights[which], op.batch)) ? world : undefined,
        });
        return;
      }
      case "generate":
        this.#drawings.push({
          drawing: op.drawing,
          chunks: draw(runtime, name, op.drawing),
          gone: undefined,
          isOver: false,
        });
        return;
      case "draw":
      case "leave":
        this.#draw(op.kind, this.#drawings.at(-1 - op.number), which);
        return;
      default:
        this.#trainers.start(op);
    }
  }

  #draw(kind: "draw" | "leave", drawn: Drawn | undefined, which: Which): void {
    if (!drawn) return;
    const { names, events, quiet, goneWith } = this.#scene;
    const name = names[which];
    const { chunks, drawing } = drawn;
    if (kind === "leave") {
      drawn.isOver = true;
      events.do(kind, () => chunks.return(undefined), { of: drawn, after: (world) => world });
      return;
    }
    drawn.gone ??= goneWith(which);
    const next = () =>
      chunks.next().catch((error) => {
        drawn.isOver = true; // as all generators that have thrown
        throw error;
      });
    events.do(kind, next, {
      of: drawn,
      gone: drawn.gone,
      after: async (world, { value, done }) => {
        const before = world.drawn.get(drawn) ?? [];
        if (done) return before.length * drawing.chunk >= drawing.length || drawn.isOver ? world : undefined;
        const weights = [...before, world.weights[which]];
        if (!isSame(value, await quiet.draw(name, drawing, weights))) return undefined;
        return { ...world, drawn: set(world.drawn, drawn, weights) };
      },
    });
  }

  /** Waits for everything, and looks for a quiet order. */
  async settle(): Promise<void> {
    const { events } = this.#scene;
    await events.settled();
    if (this.#isDisposed) {
      this.#world = await events.quietOrder(this.#world, () => true);
      return;
    }
    const looks = [
      ...(await this.#observed()),
      ...(await this.#trainers.observed()),
      ...(await this.#sessions.observed()),
    ];
    this.#world = await events.quietOrder(this.#world, (world) => looks.every((look) => look(world)));
    this.#checkMemory();
  }

  async #observed(): Promise<((world: World) => boolean)[]> {
    const { runtime, names } = this.#scene;
    const looks: ((world: World) => boolean)[] = [];
    for (const which of this.#used) {
      const weights = await runtime.stateDict(models[names[which]]);
      looks.push((world) => isSame(weights, world.weights[which]));
    }
    return looks;
  }

  #checkMemory(): void {
    const { bytes, roles, models: parts } = this.#scene.runtime.memory();
    const sum = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => a + b, 0);
    expect(sum(Object.values(roles))).toBe(bytes);
    for (const model of parts) expect(sum(Object.values(model.parts))).toBe(model.bytes);
    const onDevice = this.#bytes();
    if (onDevice !== undefined) expect(onDevice).toBe(bytes);
  }

  /** The last settling; releases what there is, and disposes. */
  async end(): Promise<void> {
    const { runtime, names } = this.#scene;
    await this.settle();
    if (!this.#isDisposed) {
      for (const name of Object.values(names)) runtime.release(models[name]);
      expect(runtime.memory()).toEqual({ bytes: 0, roles: {}, models: [] });
    }
    this.dispose();
    expect(this.#bytes() ?? 0).toBe(0);
  }

  dispose(): void {
    this.#scene.runtime.dispose();
  }
}
