/** What `verify` says: text for people at 80 columns, or one JSON record per line. */
import type { createColors } from "picocolors";
import type { ParityCase } from "./parity-case.ts";
import { wrap } from "./terminal.ts";
import type { Aspect, TensorResult } from "./verify-case.ts";

export type BackendName = "gpu" | "wasm" | "cpu";

/** What became of one case on one backend. */
export interface BackendOutcome {
  readonly status: "pass" | "fail";
  /** Why it failed before anything could be compared. */
  readonly reason?: string;
  readonly tensors: readonly TensorResult[];
}

export interface CaseOutcome {
  readonly file: string;
  readonly status: "pass" | "fail";
  /** Why it could not be run on any backend. */
  readonly reason?: string;
  /** Absent when the file is no case. */
  readonly fields?: ParityCase["fields"];
  readonly backends: Readonly<Partial<Record<BackendName, BackendOutcome>>>;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

export const countOutcomes = (outcomes: readonly CaseOutcome[]): Counts => {
  const of = (status: CaseOutcome["status"]) => outcomes.filter((outcome) => outcome.status === status).length;
  return { passed: of("pass"), failed: of("fail") };
};

type Colors = ReturnType<typeof createColors>;

export const COLUMNS = 80;

const indented = (text: string, others = "  "): string => `  ${wrap(text, COLUMNS - 2, others)}`;

const number = (x: number): string =>
  x === 0 ? "0" : Number.isFinite(x) ? x.toExponential(1) : String(x).replace("Infinity", "inf");

const mark = (status: CaseOutcome["status"], { green, red }: Colors): string =>
  status === "pass" ? green("pass") : red("FAIL");

function describe(fields: ParityCase["fields"]): string {
  const { kind, cell, T, B, hiddenSize: H, numLayers: L } = fields;
  const sizes =
    kind === "sequence"
      ? `T ${T}, B ${B}, I ${fields.inputSize}, H ${H}, L ${L}, D ${fields.bidirectional ? 2 : 1}${fields.bias ? "" : ", no bias"}`
      : `T ${T}, B ${B}, V ${fields.vocabSize}, E ${fields.embeddingSize}, H ${H}, L ${L}, ${fields.steps} steps, ${fields.optimizer.name}`;
  return `${kind}, ${cell}, ${sizes}`;
}

function table(backends: CaseOutcome["backends"], colors: Colors): string[] {
  const shown = Object.entries(backends).filter(([, { tensors }]) => tensors.length > 0);
  const names = shown[0]?.[1].tensors.map(({ name }) => name) ?? [];
  if (names.length === 0) return [];
  const width = Math.max(...names.map((name) => name.length), 20);
  // Three backends fit 80 columns with the longest of PyTorch's names.
  const cells = (error: string, bound: string) => error.padStart(8) + bound.padStart(8);
  const header = shown.map(([backend]) => cells(backend, "bound")).join("");
  const rows = names.map((name, i) => {
    const results = shown.map(([, { tensors }]) => tensors[i]!);
    const numbers = results.map(({ error, bound, ok }) => {
      const text = cells(number(error), number(bound));
      return ok ? text : colors.red(text);
    });
    return `  ${name.padEnd(width)}${numbers.join("")}${results.every(({ ok }) => ok) ? "" : ` ${mark("fail", colors)}`}`;
  });
  return [colors.dim(`  ${"error of".padEnd(width)}${header}`), ...rows];
}

/** A case as text: its status, its sizes, the worst error of each tensor against its bound. */
export function showCase({ file, status, reason, fields, backends }: CaseOutcome, colors: Colors): string {
  const lines = [`${mark(status, colors)}  ${file}`];
  if (fields) lines.push(colors.dim(indented(describe(fields))));
  if (reason !== undefined) lines.push(indented(reason));
  for (const [backend, outcome] of Object.entries(backends))
    if (outcome.reason !== undefined) lines.push(indented(`${backend}: ${outcome.reason}`));
  lines.push(...table(backends, colors), "");
  return lines.join("\n");
}

/** A case as one line of JSON. An error that is not a number is null. */
export function caseRecord({ file, status, reason, fields, backends }: CaseOutcome): string {
  const results = Object.entries(backends).map(([backend, outcome]) => [
    backend,
    {
      status: outcome.status,
      reason: outcome.reason,
      tensors: Object.fromEntries(outcome.tensors.map(({ name, ...result }) => [name, result])),
    },
  ]);
  const { kind, cell } = fields ?? {};
  return JSON.stringify({ type: "case", file, status, reason, kind, cell, backends: Object.fromEntries(results) });
}

interface Nearest {
  readonly backend: string;
  readonly file: string;
  readonly tensor: TensorResult;
  readonly share: number;
}

/** For each backend and aspect the tensor that came closest to its bound, or passed it furthest. */
function nearest(outcomes: readonly CaseOutcome[]): Nearest[] {
  const found = new Map<string, Nearest>();
  for (const { file, backends } of outcomes) {
    for (const [backend, { tensors }] of Object.entries(backends)) {
      for (const tensor of tensors) {
        const share = tensor.error === 0 ? 0 : tensor.error / tensor.bound;
        const key = `${backend} ${tensor.aspect}`;
        const before = found.get(key);
        if (before && !(share > before.share) && !Number.isNaN(share)) continue;
        found.set(key, { backend, file, tensor, share });
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.backend < b.backend ? 1 : a.backend > b.backend ? -1 : 0));
}

const aspects: Readonly<Record<Aspect, string>> = {
  forward: "outputs",
  gradient: "gradients",
  history: "losses, norms",
  final: "final weights",
};

/** The closing lines: how many passed, and what came nearest to its bound. */
export function showSummary(outcomes: readonly CaseOutcome[], colors: Colors): string {
  const { passed, failed } = countOutcomes(outcomes);
  const lines: string[] = [];
  const worst = nearest(outcomes);
  if (worst.length > 0) lines.push("nearest to the bound");
  for (const { backend, file, tensor } of worst) {
    const stem = file.replace(/^.*[\\/]/, "").replace(/\.safetensors$/, "");
    const numbers = `${number(tensor.error).padStart(8)} of ${number(tensor.bound).padEnd(8)}`;
    const text = indented(
      `${backend} ${aspects[tensor.aspect].padEnd(13)} ${numbers} ${stem}, ${tensor.name}`,
      "      ",
    );
    lines.push(tensor.ok ? text : colors.red(text));
  }
  if (lines.length > 0) lines.push("");
  const failures = `${failed} failed`;
  lines.push(`${passed} passed, ${failed > 0 ? colors.red(failures) : failures}`);
  for (const { file, status } of outcomes) if (status === "fail") lines.push(`  ${mark("fail", colors)}  ${file}`);
  return lines.join("\n");
}
