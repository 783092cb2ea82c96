/** What is measured now, as the reader chose it, and what has come of it so far. */
import { computed } from "@preact/signals";
import { language, number, words } from "../../shell/language.ts";
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import { bytesOf, type Cell, cells, flopsOf, isNetwork, type Task } from "./tasks.ts";
import type { Result, Settings } from "./worker.ts";

const text = words({
  forward: ["Forward pass", "순전파"],
  training: ["Training step", "학습 한 단계"],
  stream: ["One step of a stream", "스트림 한 단계"],
  write: ["Text of {count} characters", "글자 {count}개 쓰기"],
  product: ["Product {N}×{N}", "{N}×{N} 행렬 곱"],
  products: ["{name}, {count} in a row", "{name}, {count}번 연달아"],
  copy: ["Copy of {size}, {count} in a row", "{size} 복사, {count}번 연달아"],
  submit: ["Calls without reading back, {count}", "결과를 읽지 않는 호출 {count}번"],
  network: ["{name}, T {T}, B {B}, H {H}", "{name}, T {T}, B {B}, H {H}"],
});

export const backends = ["auto", "gpu", "wasm"] as const;
export const sets = ["small", "large"] as const;

export const { cell, set, backend } = settings(
  {
    cell: "lstm" as Cell,
    set: "small" as (typeof sets)[number],
    backend: "auto" as (typeof backends)[number],
  },
  { cell: cells, set: sets, backend: backends },
);

export const measuring = new LiveTraining<Settings, readonly Result[]>(
  "speed",
  () => ({ cell: cell.value, isLarge: set.value === "large" }),
  () => (backend.value === "auto" ? undefined : backend.value),
);

export const results = computed(() => measuring.view.value ?? []);

/** What is right has times. */
export type Timed = Result & Required<Pick<Result, "times">>;
export const timed = computed(() => results.value.filter((result): result is Timed => result.times !== undefined));

/** Billions of operations a second, and of bytes. */
export const gflopsOf = (result: Timed): number => flopsOf(result) / result.times.median / 1e6;
export const gbsOf = (result: Timed): number => bytesOf(result) / result.times.median / 1e6;

/** The same of the fastest round: what the roof is made of. */
export const bestGflopsOf = (result: Timed): number => flopsOf(result) / result.times.least / 1e6;
export const bestGbsOf = (result: Timed): number => bytesOf(result) / result.times.least / 1e6;

type TimedOf<K extends Task["kind"]> = Timed & { readonly kind: K };
const allOf = <K extends Task["kind"]>(kind: K) =>
  timed.value.filter((result): result is TimedOf<K> => result.kind === kind);
const fastest = <R extends Timed>(all: readonly R[], speed: (result: R) => number): R | undefined =>
  all.toSorted((a, b) => speed(b) - speed(a))[0];
export const bestProduct = computed(() => fastest(allOf("product"), bestGflopsOf));
export const bestCopy = computed(() => fastest(allOf("copy"), bestGbsOf));
/** What is copied here is too large for most caches. */
export const largestCopy = computed(() => allOf("copy").at(-1));

/** Three digits, as the language writes them. */
export const short = (value: number): string =>
  new Intl.NumberFormat(language.value, { maximumSignificantDigits: 3 }).format(value);

export const sizeOf = (bytes: number): string =>
  bytes < 2 ** 20 ? `${number(bytes / 2 ** 10)} KB` : `${number(bytes / 2 ** 20)} MB`;

export const kindName = (kind: "forward" | "training" | "stream"): string => text(kind);

export function nameOf(task: Task): string {
  if (isNetwork(task)) return text("network", { name: text(task.kind), T: task.T, B: task.B, H: task.H });
  if (task.kind === "copy") return text("copy", { size: sizeOf(task.bytes), count: task.count });
  if (task.kind !== "product") return text(task.kind, { count: task.count });
  return text("products", { name: text("product", { N: task.N }), count: task.count });
}
