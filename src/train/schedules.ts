import { checkCount, checkNumber, checkOptions, OptionError, StateDictError, shown } from "../errors.ts";

/**
 * How the learning rate changes: the optimizer's `lr` is multiplied by a factor before every step. The formulas are
 * those of `torch.optim.lr_scheduler`, called once after every training step.
 */
export interface Schedule {
  /** The factor of a training step; 0 is the first step. */
  lrAt(step: number): number;
  /** Tells the schedule a validation loss (lower is better); only `plateau` listens. */
  observe?(validationLoss: number): void;
  /** What the schedule has learnt from `observe`, for a checkpoint: finite numbers. */
  state?(): number[];
  /** Continues from the numbers of `state()`. */
  restore?(state: number[]): void;
}

/** The factor is always 1. */
export function constant(): Schedule {
  return { lrAt: () => 1 };
}

/**
 * The factor is multiplied by `gamma` after every `stepSize` steps: gamma^floor(step / stepSize), as StepLR.
 *
 * @param options.stepSize steps between two changes, at least 1
 * @param options.gamma default 0.1
 * @throws OptionError on an unknown or impossible option
 */
export function stepDecay(options: { stepSize: number; gamma?: number }): Schedule {
  checkOptions("stepDecay", options, ["stepSize", "gamma"]);
  const stepSize = checkCount("stepDecay", "stepSize", options.stepSize);
  const gamma = checkNumber("stepDecay", "gamma", options.gamma ?? 0.1, 0);
  return { lrAt: (step) => gamma ** Math.floor(step / stepSize) };
}

/**
 * From 1 down to `minFactor` along half a cosine:
 * minFactor + (1 - minFactor)·(1 + cos(π·step / steps)) / 2, as CosineAnnealingLR with T_max = steps and
 * eta_min = lr·minFactor (Loshchilov and Hutter, "SGDR", ICLR 2017). After `steps` it stays at `minFactor`, so that a
 * training continued beyond its plan stays slow; CosineAnnealingLR would rise again.
 *
 * @param options.steps how many steps the way down takes, at least 1
 * @param options.minFactor in [0, 1]; default 0
 * @throws OptionError on an unknown or impossible option
 */
export function cosine(options: { steps: number; minFactor?: number }): Schedule {
  checkOptions("cosine", options, ["steps", "minFactor"]);
  const steps = checkCount("cosine", "steps", options.steps);
  const minFactor = checkNumber("cosine", "minFactor", options.minFactor ?? 0, 0, 1);
  return {
    lrAt: (step) =>
      step >= steps ? minFactor : minFactor + ((1 - minFactor) * (1 + Math.cos((Math.PI * step) / steps))) / 2,
  };
}

/**
 * A straight line from `startFactor` up to 1 over `steps` steps, then another schedule from its own step 0:
 * SequentialLR of LinearLR and that schedule, with the milestone at `steps`.
 *
 * @param options.steps how many steps the warm-up takes, at least 1
 * @param options.after what follows; default `constant()`. It hears every validation loss, those of the warm-up too.
 * @param options.startFactor in [0, 1]; default 1/3, LinearLR's
 * @throws OptionError on an unknown or impossible option
 */
export function warmup(options: { steps: number; after?: Schedule; startFactor?: number }): Schedule {
  checkOptions("warmup", options, ["steps", "after", "startFactor"]);
  const steps = checkCount("warmup", "steps", options.steps);
  const start = checkNumber("warmup", "startFactor", options.startFactor ?? 1 / 3, 0, 1);
  const after = options.after ?? constant();
  if (typeof after?.lrAt !== "function") {
    throw new OptionError("warmup: after is not a schedule; give one, such as constant() or cosine({ steps: 1000 })");
  }
  return {
    lrAt: (step) => (step < steps ? start + ((1 - start) * step) / steps : after.lrAt(step - steps)),
    observe: (loss) => after.observe?.(loss),
    state: () => after.state?.() ?? [],
    restore: (state) => after.restore?.(state),
  };
}

/**
 * The factor is multiplied by `factor` when the validation loss has not become better for more than `patience`
 * observations in a row; better means below best·(1 - threshold). ReduceLROnPlateau in mode min with a relative
 * threshold, without cooldown and without its `eps`. A loss that is NaN counts as not better.
 *
 * @param options.factor in (0, 1); default 0.1
 * @param options.patience observations without a better loss that are put up with; default 10
 * @param options.threshold in [0, 1); default 1e-4
 * @param options.minFactor the factor never falls below it; in [0, 1]; default 0
 * @throws OptionError on an unknown or impossible option
 */
export function plateau(
  options: { factor?: number; patience?: number; threshold?: number; minFactor?: number } = {},
): Schedule {
  checkOptions("plateau", options, ["factor", "patience", "threshold", "minFactor"]);
  const factor = checkNumber("plateau", "factor", options.factor ?? 0.1);
  const patience = checkCount("plateau", "patience", options.patience ?? 10, 0);
  const threshold = checkNumber("plateau", "threshold", options.threshold ?? 1e-4);
  const minFactor = checkNumber("plateau", "minFactor", options.minFactor ?? 0, 0, 1);
  if (factor <= 0 || factor >= 1) throw new OptionError(`plateau: factor is ${factor}, expected above 0 and below 1`);
  if (threshold < 0 || threshold >= 1) {
    throw new OptionError(`plateau: threshold is ${threshold}, expected at least 0 and below 1`);
  }
  let current = 1;
  let best = Number.POSITIVE_INFINITY;
  let waited = 0;
  return {
    lrAt: () => current,
    observe(loss) {
      if (loss < best * (1 - threshold)) {
        best = loss;
        waited = 0;
      } else {
        waited++;
      }
      if (waited > patience) {
        current = Math.max(current * factor, minFactor);
        waited = 0;
      }
    },
    // Nothing seen yet is infinity, which JSON cannot hold: it is left out.
    state: () => (Number.isFinite(best) ? [current, waited, best] : [current, waited]),
    restore(state) {
      const [savedFactor, savedWait, savedBest = Number.POSITIVE_INFINITY] = state;
      const fits = state.length === 2 || state.length === 3;
      const possible = savedFactor! >= 0 && savedFactor! <= 1 && Number.isInteger(savedWait) && savedWait! >= 0;
      if (!fits || !state.every(Number.isFinite) || !possible) {
        throw new StateDictError(
          `plateau: the saved state is ${shown(state)}, expected factor, observations waited and best loss; ` +
            "continue with the schedule that the checkpoint was made with",
        );
      }
      current = savedFactor!;
      waited = savedWait!;
      best = savedBest;
    },
  };
}
