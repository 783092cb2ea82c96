import { spectralNorm } from "webgpu-rnn/tasks";
import { serve } from "../../shell/training-worker.ts";
import { boundOf, H, inputs, type Kind, kinds, layerOf, type Start, shares } from "./flow.ts";
import { type Training, train } from "./program.ts";

export interface Settings extends Start, Training {
  readonly kind: Kind;
}

export const questions = {
  /** The shares of every kind, and the bound of one, T steps back. */
  flow(_: object, { start, T, kind }: { start: Start; T: number; kind: Kind }) {
    const x = inputs(T, start.seed);
    const found = kinds.map((one) => [one, shares(layerOf(one, start), x)] as const);
    const W = layerOf(kind, start).W.slice(0, H * H);
    const norm = spectralNorm({ shape: [H, H], data: W });
    const isGated = kind === "lstm" || kind === "gru";
    return { shares: Object.fromEntries(found), norm, bound: isGated ? undefined : boundOf(kind, norm, T) };
  },
};

/** How both trainings stand: the mean of the last losses. */
export interface View {
  readonly clipped: number;
  readonly free: number | undefined;
  /** The step in which the free one diverged. */
  readonly diverged: number | undefined;
}

export default serve(async function* (runtime, settings: Settings, keep: (subject: object) => void) {
  keep({});
  let clipped: number | undefined;
  let free: number | undefined;
  const near = (mean: number | undefined, loss: number) => (mean === undefined ? loss : 0.9 * mean + 0.1 * loss);
  for await (const { diverged, ...report } of train(runtime, layerOf(settings.kind, settings), settings)) {
    clipped = near(clipped, report.values.clipped!);
    free = diverged === undefined ? near(free, report.values.free!) : undefined;
    yield { ...report, view: { clipped, free, diverged } satisfies View };
  }
}, questions);
