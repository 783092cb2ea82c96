/** The table of docs/tasks/on-data.md. */
import type { Entry } from "./entries.ts";
import type { Measured } from "./problems.ts";

/** A line of the file of results. */
type Line = Measured & { readonly name: string; readonly by: "webgpu-rnn" | "pytorch"; readonly seed: number };

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

/** Means of every measure. */
function meansOf(lines: readonly Line[]): Measured | undefined {
  if (lines.length === 0) return undefined;
  const { name: _, by: __, seed: ___, ...measures } = lines[0]!;
  return Object.fromEntries(Object.keys(measures).map((key) => [key, mean(lines.map((line) => line[key]!))]));
}

const shown = (x: number): string => String(Number(x.toPrecision(4)));

/** @param file JSON lines; of the same training the last one counts */
export function tableOf(entries: readonly Entry[], file: string): string {
  const lines = file
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const latest = [...new Map(lines.map((line) => [`${line.name} ${line.seed} ${line.by}`, line])).values()];
  const rows = entries.map(({ name, reach }) => {
    const of = (by: string) =>
      latest.filter((line) => line.name === name && line.by === by).sort((a, b) => a.seed - b.seed);
    const [ours, theirs] = [of("webgpu-rnn"), of("pytorch")];
    const [means, pytorch] = [meansOf(ours), meansOf(theirs)];
    const cell = (some: readonly Line[]) =>
      some.length === 0
        ? "–"
        : `**${shown(mean(some.map((line) => line[reach.measure]!)))}** (${some.map((line) => shown(line[reach.measure]!)).join(", ")})`;
    const beside = Object.entries(means ?? {})
      .filter(([key]) => ![reach.measure, "seconds", "updates"].includes(key))
      .map(([key, value]) => `${key} ${shown(value)}`);
    const shared = (these: readonly Line[], those: readonly Line[]) =>
      meansOf(these.filter(({ seed }) => those.some((line) => line.seed === seed)));
    const [mine, its] = [shared(ours, theirs), shared(theirs, ours)];
    const both = mine && its && { ours: mine, pytorch: its };
    const holds = means && reach.holds({ ours: means, ...(both && { both }) });
    const said = holds === undefined ? "–" : holds ? "yes" : "**no**";
    const seconds = [means, pytorch].map((one) => (one ? one.seconds!.toFixed(0) : "–")).join(" | ");
    return `| ${name} | ${reach.measure} | ${cell(ours)} | ${cell(theirs)} | ${beside.join(", ")} | ${seconds} | ${reach.text} | ${said} |`;
  });
  const head = "| data | measure | ours: mean (seeds) | PyTorch | beside | seconds | PyTorch's | reach | holds |";
  return [head, "|---|---|---|---|---|---|---|---|---|", ...rows].join("\n");
}
