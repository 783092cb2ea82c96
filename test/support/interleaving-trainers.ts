/** Training, among other operations of a runtime. */
import { DisposedError, type StateDict, type StepReport, type Trainer } from "../../src/node.ts";
import { type Event, isSame, orNothing, type Scene, set, type Which, type World } from "./quiet-order.ts";
import { batchOf, joined, reportOf, split, type Training, trainerOf } from "./quiet-runtime.ts";

export type TrainerOp =
  | ({ kind: "fit"; batches: number[]; ahead: number } & { which: Which })
  | ({ kind: "step"; batches: number[] } & { which: Which })
  | ({ kind: "next" | "break" | "trainer state" | "load trainer" | "reset trainer" | "dispose trainer" } & {
      which: Which;
    });
interface Fit {
  readonly batches: readonly number[];
  readonly ahead: number;
  readonly reports: AsyncGenerator<StepReport>;
  calls: number;
  begun: number;
  reported: number;
  /** It was left, has ended or was refused. */
  isOver: boolean;
}
interface Trained {
  readonly trainer: Trainer;
  readonly which: Which;
  isDisposed: boolean;
  readonly gone: () => boolean;
  readonly fits: Fit[];
  saved: { readonly dict: StateDict; readonly step: number } | undefined;
}
export class Trainers {
  readonly #scene: Scene;
  readonly #trainers = new Map<Which, Trained>();

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** The model's trainer; a new one to fit with, where that is gone. */
  #trainerOf(which: Which, isToFit: boolean): Trained | undefined {
    const { runtime, names, events, untrained, goneWith } = this.#scene;
    const known = this.#trainers.get(which);
    if (this.#scene.isDisposed() || (known && !(known.gone() && isToFit))) return known;
    const trainer = trainerOf(runtime, names[which]);
    const gone = goneWith(which);
    const trained: Trained = {
      trainer,
      which,
      isDisposed: false,
      gone: () => trained.isDisposed || gone(),
      fits: [],
      saved: undefined,
    };
    events.do("trainer", () => {}, {
      after: (world) => ({ ...world, trainings: set(world.trainings, trained, untrained[which]) }),
    });
    this.#trainers.set(which, trained);
    return trained;
  }

  start(op: TrainerOp): void {
    const { names, events, untrained, drawn, quiet } = this.#scene;
    const trained = this.#trainerOf(op.which, op.kind === "fit" || op.kind === "step");
    if (!trained) return;
    const { trainer, gone } = trained;
    const name = names[op.which];
    const fit = trained.fits.at(-1);
    const isFitting = () => trained.fits.some(({ calls, isOver }) => calls > 0 && !isOver);
    const wasFitting = isFitting();
    /** The world with other numbers of the trainer; undefined where the trainer is gone. */
    const trainedTo = (world: World, training: Training, weights = world.weights[op.which]): World | undefined =>
      world.trainings.has(trained)
        ? {
            ...world,
            weights: { ...world.weights, [op.which]: weights },
            trainings: set(world.trainings, trained, training),
          }
        : undefined;
    const isTraining = (world: World, dict: StateDict): boolean => {
      const { weights, rest } = split(dict);
      return isSame(weights, world.weights[op.which]) && isSame(rest, world.trainings.get(trained)?.dict);
    };
    switch (op.kind) {
      case "fit": {
        const batches = op.batches.map((i) => batchOf(name, i));
        const reports = trainer.fit(batches, { ahead: op.ahead });
        trained.fits.push({ ...op, reports, calls: 0, begun: 0, reported: 0, isOver: false });
        return;
      }
      case "step":
        events.do(`${op.kind} ${op.batches}`, () => trainer.step(...op.batches.map((i) => batchOf(name, i))), {
          of: trained,
          gone,
          busy: () => wasFitting,
          after: async (world, report) => {
            const training = world.trainings.get(trained);
            if (!training) return undefined;
            const after = await quiet.train(name, world.weights[op.which], training, op.batches);
            return isSame(reportOf(report), after.report) ? trainedTo(world, after.training, after.weights) : undefined;
          },
        });
        return;
      case "next":
        if (fit) this.#next(op.which, trained, fit, wasFitting);
        return;
      case "break":
        if (!fit) return;
        events.do(op.kind, () => fit.reports.return(undefined).finally(() => end(fit)), {
          of: fit,
          gone,
          after: (world) => world,
        });
        return;
      case "trainer state":
        events.do(op.kind, () => trainer.stateDict(), {
          gone,
          after: (world, dict) => {
            trained.saved = { dict, step: world.trainings.get(trained)?.step ?? 0 };
            return isTraining(world, dict) ? world : undefined;
          },
        });
        return;
      case "load trainer": {
        const { dict, step } = trained.saved ?? {
          dict: joined(drawn[op.which][1]!, untrained[op.which]),
          step: 0,
        };
        const { weights, rest } = split(dict);
        const training = { dict: rest, step };
        events.do(op.kind, () => trainer.loadStateDict(dict, step), {
          gone,
          busy: () => wasFitting,
          after: (world) => trainedTo(world, training, weights),
        });
        return;
      }
      case "reset trainer":
        events.do(op.kind, () => trainer.resetState(), {
          gone,
          after: (world) => {
            const training = world.trainings.get(trained);
            const dict = Object.entries(training?.dict ?? {}).filter(([key]) => !key.startsWith("carry."));
            return training && trainedTo(world, { ...training, dict: Object.fromEntries(dict) });
          },
        });
        return;
      case "dispose trainer":
        events.do(op.kind, () => trainer.dispose(), {
          after: (world) => {
            const trainings = new Map(world.trainings);
            trainings.delete(trained);
            return { ...world, trainings };
          },
        });
        trained.isDisposed = true;
    }
  }

  /** Takes one report, for which some steps may start. */
  #next(which: Which, trained: Trained, fit: Fit, wasFitting: boolean): void {
    const { names, events, quiet } = this.#scene;
    const name = names[which];
    const start = events.tick();
    const isFirst = fit.calls++ === 0;
    const begun = fit.begun;
    fit.begun = Math.min(fit.batches.length, fit.calls + fit.ahead);
    const steps = fit.batches.slice(begun, fit.begun).map((batch, i) =>
      events.event(`step ${begun + i + 1} of a fit`, start, fit, async (world) => {
        const training = world.trainings.get(trained);
        if (!training) return [];
        const trainedWorld = await quiet.train(name, world.weights[which], training, [batch]);
        const reports = [...(world.reports.get(fit) ?? []), trainedWorld.report];
        return [
          {
            ...world,
            weights: { ...world.weights, [which]: trainedWorld.weights },
            trainings: set(world.trainings, trained, trainedWorld.training),
            reports: set(world.reports, fit, reports),
          },
        ];
      }),
    );
    const report = events.event("report", start, fit, async () => []);
    const ended = (after: Event["after"]) => {
      for (const event of [...steps, report]) event.end = events.tick();
      report.after = after;
    };
    const done = ({ value, done }: IteratorResult<StepReport>) => {
      const at = fit.reported++;
      const isOver = fit.isOver;
      if (done) {
        end(fit);
        for (const event of steps) event.after = async (world) => [world];
        return ended(async (world) => (isOver || at === fit.batches.length ? [world] : []));
      }
      // Where the trainer is gone, reports of steps that ran come first, and then the refusal of those that did not.
      if (trained.gone()) for (const event of steps) event.after = orNothing(event.after);
      events.compared++;
      ended(async (world) => (isSame(reportOf(value), world.reports.get(fit)?.[at]) ? [world] : []));
    };
    const refused = (error: unknown) => {
      end(fit);
      // What was on the device's queue when it was disposed ran.
      for (const event of steps)
        event.after = error instanceof DisposedError ? orNothing(event.after) : async (world) => [world];
      ended(async (world) => [world]);
      events.refusal("fit", error, trained.gone, () => isFirst && wasFitting);
    };
    events.track(() => fit.reports.next(), done, refused);
  }

  /** What the trainers hold, as tests of worlds. */
  async observed(): Promise<((world: World) => boolean)[]> {
    const looks: ((world: World) => boolean)[] = [];
    for (const trained of this.#trainers.values()) {
      if (trained.gone()) continue;
      const { rest } = split(await trained.trainer.stateDict());
      const { steps: step } = trained.trainer;
      looks.push((world) => isSame({ dict: rest, step }, world.trainings.get(trained)));
    }
    return looks;
  }
}

const end = (fit: Fit): void => {
  fit.isOver = true;
};
