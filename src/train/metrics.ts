import { checkCount, checkOptions, OptionError, ShapeError, shown } from "../errors.ts";
import { expectNumbers, Tensor } from "../graph/tensor.ts";
import { crossEntropy } from "../nn/cross-entropy.ts";
import { type Loss, maskOf, type RealTargets } from "../nn/loss.ts";
import { l1, mse } from "../nn/losses.ts";
import { type NumberArray, sameShape, showShape, type TensorData } from "../tensor-data.ts";

/** What a metric looks at in a batch, and how batches add up. */
export interface Measurement<R = number> {
  /** Tensors that are read for each batch, by names of its own. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** A new sum over batches. Called once for an evaluation. */
  begin(): MetricState<R>;
}

/** A sum over batches, on the host. */
export interface MetricState<R = number> {
  /** Takes what the tensors of a batch hold. */
  add(values: Readonly<Record<string, TensorData>>): void;
  result(): R;
}

/**
 * A number, or numbers, that tell how good a model is, besides its loss. Applied as a {@link Loss} is: by itself to the model's
 * `logits` and the target, or in a {@link MetricFunction} to other outputs and targets.
 */
export interface Metric<R = number> {
  /**
   * @param output what the model says
   * @param target what it should have said
   * @param real which targets count; default all
   * @param loss the loss that is measured beside it: targets that it ignores do not count here either
   * @throws ShapeError when the shapes do not fit
   */
  apply(output: Tensor, target: Tensor, real?: RealTargets, loss?: Loss): Measurement<R>;
}

/** A metric of outputs that are not `logits`, or of several: from what `forward` returned and the batch's target. */
// biome-ignore lint/suspicious/noExplicitAny: outputs and target are the model's and the batches', as in a loss function
export type MetricFunction<R = number> = (outputs: any, target: any) => Measurement<R>;

/** Metrics by names of one's own. */
export type Metrics = Readonly<Record<string, Metric<unknown> | MetricFunction<unknown>>>;

/** What metrics give, by the same names. */
export type MetricResults<M extends Metrics> = {
  // Functions first: they have an `apply` too, which is another one.
  readonly [K in keyof M]: M[K] extends MetricFunction<infer R> ? R : M[K] extends Metric<infer R> ? R : never;
};

/** @throws OptionError for what is no record of metrics */
export function checkMetrics(what: string, metrics: Metrics): void {
  if (typeof metrics !== "object" || metrics === null || Array.isArray(metrics))
    throw new OptionError(`${what}: metrics are ${shown(metrics)}, expected a record such as { accuracy: accuracy() }`);
  for (const [name, metric] of Object.entries(metrics)) {
    if (typeof metric !== "function" && typeof metric?.apply !== "function")
      throw new OptionError(
        `${what}: metrics.${name} is ${shown(metric)}, expected a metric such as accuracy() or a function (outputs, target) => accuracy().apply(…)`,
      );
  }
}

/** Options of metrics of classes. */
export interface ClassMetricOptions {
  /** Targets that do not count; default: as the loss says, or else -100. */
  readonly ignoreIndex?: number;
}

/** A target that counts: how its class ranks, and which one the model says. */
type Visit = (label: number, predicted: number, row: { readonly logits: NumberArray; readonly at: number }) => void;

/** Classes of a target: V of them or, where targets are numbers, 2 for each: not (up to 0.5) and so. */
interface Classes {
  readonly measured: Readonly<Record<string, Tensor>>;
  readonly V: number;
  readonly isBinary: boolean;
  readonly ignored: number;
}

function classesOf(
  what: string,
  { ignoreIndex }: ClassMetricOptions,
  ...[output, target, real, loss]: Parameters<Metric["apply"]>
): Classes {
  expectNumbers(`${what}: the output`, output, "f32 [..., V]");
  if (!(target instanceof Tensor))
    throw new ShapeError(`${what}: target is ${shown(target)}, expected a symbolic tensor`);
  const isBinary = target.dtype === "f32";
  const expected = isBinary ? output.shape : output.shape.slice(0, -1);
  if (!sameShape(target.shape, expected))
    throw new ShapeError(
      `${what}: target is ${target.dtype} ${showShape(target.shape)}, expected i32 ${showShape(output.shape.slice(0, -1))} or f32 ${showShape(output.shape)} for an output ${showShape(output.shape)}`,
    );
  const shapes = isBinary && expected.length > 0 ? [expected, expected.slice(0, -1)] : [expected];
  const mask = maskOf(what, real, shapes);
  return {
    measured: { output, target, ...(mask && { mask }) },
    V: isBinary ? 2 : output.shape.at(-1)!,
    isBinary,
    ignored: ignoreIndex ?? loss?.ignoreIndex ?? -100,
  };
}

/** Goes through the targets of a batch that count. */
function visitClasses(
  { V, isBinary, ignored }: Classes,
  values: Readonly<Record<string, TensorData>>,
  visit: Visit,
): void {
  const [logits, targets, mask] = ["output", "target", "mask"].map((name) => values[name]?.data);
  const n = targets!.length;
  for (let i = 0; i < n; i++) {
    // A mask may be of the rows of what it masks.
    if (mask && !mask[Math.floor((i * mask.length) / n)]) continue;
    if (isBinary) {
      visit(Number(targets![i]! > 0.5), Number(logits![i]! > 0), { logits: logits!, at: i });
      continue;
    }
    const label = targets![i]!;
    if (label === ignored) continue;
    let best = 0;
    for (let v = 1; v < V; v++) if (logits![i * V + v]! > logits![i * V + best]!) best = v;
    visit(label, best, { logits: logits!, at: i * V });
  }
}

/** The part of the targets that count for which something is true. */
function share(
  what: string,
  options: ClassMetricOptions,
  isTrue: (classes: Classes, ...visited: Parameters<Visit>) => boolean,
  check: (classes: Classes) => void = () => {},
): Metric {
  return {
    apply(...given) {
      const classes = classesOf(what, options, ...given);
      check(classes);
      return {
        tensors: classes.measured,
        begin() {
          let [hits, all] = [0, 0];
          return {
            add(values) {
              visitClasses(classes, values, (...visited) => {
                all++;
                if (isTrue(classes, ...visited)) hits++;
              });
            },
            result: () => hits / all,
          };
        },
      };
    },
  };
}

/**
 * The share of targets whose class has the largest output: of logits `[..., V]` and classes i32 `[...]`; or of logits and numbers
 * of one shape, each a yes (above 0.5, a logit above 0) or no. NaN where no target counts.
 * @throws OptionError for an unknown option
 */
export function accuracy(options: ClassMetricOptions = {}): Metric {
  checkOptions("accuracy", options, ["ignoreIndex"]);
  return share("accuracy", options, (_, label, predicted) => label === predicted);
}

/**
 * The share of targets whose class is among the k with the largest outputs, of logits `[..., V]` and classes i32 `[...]`. Of
 * equal outputs all rank before the target's, except that of the target itself.
 * @throws OptionError for an unknown option or a k that is no whole number of at least 1
 */
export function topK(k: number, options: ClassMetricOptions = {}): Metric {
  checkCount("topK", "k", k);
  checkOptions("topK", options, ["ignoreIndex"]);
  return share(
    "topK",
    options,
    ({ V }, label, _, { logits, at }) => {
      const own = logits[at + label]!;
      let before = 0;
      for (let v = 0; v < V; v++) if (v !== label && !(logits[at + v]! < own)) before++;
      return label < V && before < k;
    },
    ({ isBinary }) => {
      if (isBinary) throw new ShapeError("topK: target is f32, expected classes, i32; use accuracy for yes and no");
    },
  );
}

/**
 * How often the model says class p for class t, `[t][p]`, of what {@link accuracy} takes; with yes and no, `[[true negative, false
 * positive], [false negative, true positive]]`, as sklearn.metrics.confusion_matrix.
 * @throws OptionError for an unknown option
 */
export function confusion(options: ClassMetricOptions = {}): Metric<number[][]> {
  checkOptions("confusion", options, ["ignoreIndex"]);
  return counting("confusion", options, (counts) => counts);
}

export interface F1Options extends ClassMetricOptions {
  /**
   * "macro" (default): the mean over the classes; "micro": of all classes counted together; or the number of one class, which is
   * then the score of that one, such as 1 for yes and no.
   */
  readonly average?: "macro" | "micro" | number;
}

/**
 * F1, the harmonic mean of precision and recall, of what {@link accuracy} takes, as sklearn.metrics.f1_score. A class that is
 * neither there nor said does not count for the mean; a score without anything to count is 0.
 * @throws OptionError for an unknown option or average; when it is applied, ShapeError for a class that is not there
 */
export function f1(options: F1Options = {}): Metric {
  checkOptions("f1", options, ["average", "ignoreIndex"]);
  const { average = "macro" } = options;
  if (average !== "macro" && average !== "micro") checkCount("f1", "average", average, 0);
  return counting(
    "f1",
    options,
    (counts) => {
      const per = counts.map((row, c) => {
        const hits = row[c]!;
        const others = row.reduce((a, b) => a + b, 0) + counts.reduce((sum, of) => sum + of[c]!, 0);
        return { hits, others };
      });
      const score = ({ hits, others }: { hits: number; others: number }) => (others === 0 ? 0 : (2 * hits) / others);
      if (typeof average === "number") return score(per[average]!);
      const seen = per.filter(({ others }) => others > 0);
      if (average === "macro") return seen.reduce((sum, one) => sum + score(one), 0) / Math.max(1, seen.length);
      const sum = (name: "hits" | "others") => per.reduce((all, one) => all + one[name], 0);
      return score({ hits: sum("hits"), others: sum("others") });
    },
    (V) => {
      if (typeof average === "number" && average >= V)
        throw new ShapeError(`f1: average is class ${average}, and there are the classes 0 to ${V - 1}`);
    },
  );
}

function counting<R>(
  what: string,
  options: ClassMetricOptions,
  resultOf: (counts: number[][]) => R,
  check: (V: number) => void = () => {},
): Metric<R> {
  return {
    apply(...given) {
      const classes = classesOf(what, options, ...given);
      check(classes.V);
      return {
        tensors: classes.measured,
        begin() {
          const counts = Array.from({ length: classes.V }, () => new Array<number>(classes.V).fill(0));
          return {
            add(values) {
              visitClasses(classes, values, (label, predicted) => {
                counts[label]![predicted]!++;
              });
            },
            result: () => resultOf(counts),
          };
        },
      };
    },
  };
}

/** The mean of a loss that is computed on the device, over all targets that count. */
const meanOf = (lossFor: (loss: Loss | undefined) => Loss, resultOf: (mean: number) => number): Metric => ({
  apply(output, target, real, loss) {
    return {
      tensors: { ...lossFor(loss).apply(output, target, real) },
      begin() {
        let [sum, all] = [0, 0];
        return {
          add({ loss: mean, count }) {
            all += count!.data[0]!;
            sum += mean!.data[0]! * count!.data[0]!;
          },
          result: () => resultOf(sum / all),
        };
      },
    };
  },
});

/** Mean absolute error of numbers of one shape. */
export const mae = (): Metric =>
  meanOf(
    () => l1(),
    (mean) => mean,
  );

/** Root of the mean squared error of numbers of one shape, over all batches together. */
export const rmse = (): Metric => meanOf(() => mse(), Math.sqrt);

/**
 * Perplexity: e to the mean cross-entropy in nats, of logits `[..., V]` and classes i32 `[...]`, without label smoothing and
 * weights, whatever the loss has.
 * @throws OptionError for an unknown option
 */
export function perplexity(options: ClassMetricOptions = {}): Metric {
  checkOptions("perplexity", options, ["ignoreIndex"]);
  return meanOf((loss) => crossEntropy({ ignoreIndex: options.ignoreIndex ?? loss?.ignoreIndex ?? -100 }), Math.exp);
}
