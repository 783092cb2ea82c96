/** The moments of a walk through one sequence: what is lit in the picture, and the equation with its numbers. */
import type { Activation } from "./data.ts";
import { type Factors, isCut, type Numbers, outer, stepOf, sumOf } from "./factors.ts";

export const moments = ["all", "h1", "h2", "h3", "out", "back", "path3", "path2", "path1", "sum"] as const;
export type Moment = (typeof moments)[number];

/** What a moment is called: the path that it shows, or what it computes. */
export const chips: Readonly<Record<Moment, string>> = {
  all: "1 2 3",
  ...{ h1: "h₁", h2: "h₂", h3: "h₃", out: "y, E₃", back: "∂E₃/∂h₃" },
  ...{ path3: "W → h₃ → E₃", path2: "W → h₂ → h₃ → E₃", path1: "W → h₁ → h₂ → h₃ → E₃", sum: "Σ" },
};

/** The step whose use of the weights a path is about. */
export const pathOf = (moment: Moment): number | undefined =>
  moment.startsWith("path") ? Number(moment.slice(4)) : undefined;

/** Names of what is lit: nodes (`h1`, `x1`, `b1`, `y`, `E`) and edges (`U1`, `W1`, `V`, `L` from y to the loss). */
export interface Light {
  readonly lit: ReadonlySet<string>;
  /** Edges that the gradient goes back by. */
  readonly back: ReadonlySet<string>;
  /** Edges whose weights get their share of the gradient here. */
  readonly used: ReadonlySet<string>;
}

/** What computes h of step t, and how a gradient goes from there into the weights. */
const into = (t: number) => [`U${t}`, `W${t}`, `b${t}`];

export function lightOf(moment: Moment, T: number, cut: number): Light {
  const steps = Array.from({ length: T }, (_, i) => i + 1);
  const kept = steps.filter((t) => !isCut(t, T, cut));
  const forward = ["h0", ...steps.flatMap((t) => [`x${t}`, `h${t}`, ...into(t)]), "V", "y", "L", "E"];
  const path = (t: number): Light => {
    const way = steps.filter((s) => s > t && !isCut(s - 1, T, cut)).map((s) => `W${s}`);
    const states = steps.filter((s) => s >= t).map((s) => `h${s}`);
    const used = isCut(t, T, cut) ? [] : into(t);
    return {
      lit: new Set(["E", "y", `x${t}`, `h${t - 1}`, ...states]),
      back: new Set(["L", "V", ...way]),
      used: new Set(used),
    };
  };
  const none = { back: new Set<string>(), used: new Set<string>() };
  const step = Number(moment.slice(1));
  if (moment === "all") return { lit: new Set(forward), ...none };
  if (moment === "out") return { lit: new Set([`h${T}`, "V", "y", "L", "E"]), ...none };
  if (moment === "back") return { lit: new Set([`h${T}`, "y", "E"]), back: new Set(["L"]), used: new Set(["V"]) };
  if (moment === "sum") {
    const all = kept.map(path);
    return {
      lit: new Set(forward),
      back: new Set(all.flatMap(({ back }) => [...back])),
      used: new Set([...all.flatMap(({ used }) => [...used]), "V"]),
    };
  }
  const t = pathOf(moment);
  if (t !== undefined) return path(t);
  return { lit: new Set([`x${step}`, `h${step - 1}`, `h${step}`, ...into(step)]), ...none };
}

/** The same moments of a network that has the last step only. */
export function lightOfOne(moment: Moment, T: number): Light {
  const isBack = moment === "back" || moment === "sum" || pathOf(moment) !== undefined;
  const lit = new Set([`x${T}`, `U${T}`, `b${T}`, `h${T}`, "V", "y", "L", "E"]);
  if (!isBack) return { lit, back: new Set(), used: new Set() };
  return { lit, back: new Set(["L", "V"]), used: new Set([`U${T}`, `b${T}`]) };
}

const fixed = (value: number, digits: number) => {
  const written = value.toFixed(digits);
  return Number(written) === 0 ? (0).toFixed(digits) : written;
};
const column = (values: readonly number[], digits = 2) =>
  `\\begin{pmatrix}${values.map((one) => fixed(one, digits)).join("\\\\")}\\end{pmatrix}`;
const row = (values: readonly number[], digits = 2) =>
  `\\begin{pmatrix}${values.map((one) => fixed(one, digits)).join("&")}\\end{pmatrix}`;
const matrix = ([a, b, c, d]: readonly number[], digits = 2) => {
  const [p, q, r, s] = [a!, b!, c!, d!].map((one) => fixed(one, digits));
  return `\\begin{pmatrix}${p}&${q}\\\\${r}&${s}\\end{pmatrix}`;
};
/** A symbol that can be pointed at: `h2` reads h₂. */
export const mark = (symbol: string): string =>
  `\\htmlData{symbol=${symbol}}{${symbol.replace(/^([a-zA-Z])(\d)$/, "$1_$2")}}`;
const [U, W, b, V] = ["U", "W", "b", "V"].map(mark);
const by = (below: string) => `\\frac{\\partial E_3}{\\partial ${below}}`;
const lines = (all: readonly string[]) => `\\begin{aligned}${all.join("\\\\[4pt]")}\\end{aligned}`;

export const phi: Readonly<Record<Activation, string>> = {
  tanh: "\\tanh",
  sigmoid: "\\sigma",
  relu: "\\operatorname{relu}",
};

/** The equations in general: forwards, and backwards. */
export const general = (activation: Activation): readonly string[] => [
  `${mark("h")}_t=${phi[activation]}(\\underbrace{${U}\\,${mark("x")}_t+${W}\\,${mark("h")}_{t-1}+${b}}_{a_t})`,
  `${mark("y")}=\\operatorname{softmax}(${V}\\,h_3),\\quad ${mark("E")}_3=-\\ln ${mark("y")}_k`,
  `\\frac{\\partial E_3}{\\partial ${W}}=\\sum_{t=1}^{3}\\frac{\\partial E_3}{\\partial h_3}\\,\\frac{\\partial h_3}{\\partial h_t}\\,\\frac{\\partial h_t}{\\partial ${W}}`,
];

export interface Setting {
  readonly activation: Activation;
  readonly cut: number;
  readonly rate: number;
}

/** The equation of a moment, with the numbers that the network has now. */
export function equationOf(moment: Moment, numbers: Numbers, factors: Factors, setting: Setting): string {
  const { weights, x, h, a, z, y, loss, label } = numbers;
  const T = x.length;
  const t = pathOf(moment);
  if (moment === "all")
    return lines([
      ...[1, 2, 3].map(
        (s) => `${mark(`h${s}`)}&=${phi[setting.activation]}${column(stepOf(a, s))}=${column(stepOf(h, s))}`,
      ),
      `${mark("y")}&=${column(y)},\\quad E_3=${fixed(loss, 3)}`,
    ]);
  if (moment === "out")
    return lines([
      `z&=${V}\\,${mark("h3")}=${matrix(weights.V)}${column(stepOf(h, T))}=${column(z)}`,
      `${mark("y")}&=\\operatorname{softmax}(z)=${column(y)}`,
      `${mark("E")}_3&=-\\ln ${fixed(y[label]!, 3)}=${fixed(loss, 3)}`,
    ]);
  if (moment === "back") {
    const { byZ, steps } = factors;
    return lines([
      `${by("z")}&=${mark("y")}-${column([1 - label, label], 0)}=${column(byZ, 3)}`,
      `${by(V!)}&=${by("z")}\\,${mark("h3")}^{\\top}=${matrix(numbers.gradient.V, 3)}`,
      `${by("h_3")}&=${V}^{\\top}${by("z")}=${column(steps[T - 1]!.byH, 3)}`,
    ]);
  }
  if (moment === "sum") {
    const sum = sumOf(numbers, setting.cut);
    const kept = numbers.paths.filter(({ step }) => !isCut(step, T, setting.cut));
    const next = weights.W.map((one, i) => one - setting.rate * sum.W[i]!);
    return lines([
      ...kept.map(
        ({ step, W }, i) =>
          `${i === 0 ? by(mark("W")) : ""}&${i === 0 ? "=" : "\\;+"}${matrix(W, 3)}\\quad\\scriptstyle W\\to h_${step}`,
      ),
      `&=${matrix(sum.W, 3)}`,
      `${W}&\\leftarrow ${W}-${setting.rate}\\,${by(W!)}=${matrix(next, 3)}`,
    ]);
  }
  if (t !== undefined) {
    const { byH, slope, byA } = factors.steps[t - 1]!;
    const after = factors.steps[t];
    const chain = Array.from({ length: T - t }, (_, i) => `\\frac{\\partial h_${T - i}}{\\partial h_${T - i - 1}}`);
    return lines([
      `&${by("h_3")}\\,${chain.join("\\,")}\\,\\frac{\\partial h_${t}}{\\partial ${W}}`,
      ...(after
        ? [
            `\\frac{\\partial h_${t + 1}}{\\partial h_${t}}&=\\operatorname{diag}(\\varphi'(a_${t + 1}))\\,${W}=${matrix(after.jacobian)}`,
            `${by(`h_${t}`)}&=\\Bigl(\\frac{\\partial h_${t + 1}}{\\partial h_${t}}\\Bigr)^{\\!\\top}${column(after.byH, 3)}=${column(byH, 3)}`,
          ]
        : []),
      `${by(`a_${t}`)}&=${column(byH, 3)}\\odot ${column(slope)}=${column(byA, 3)}`,
      `${by(W!)}\\Big|_{${t}}&=${column(byA, 3)}${row(stepOf(h, t - 1))}=${matrix(outer(byA, stepOf(h, t - 1)), 3)}`,
    ]);
  }
  const s = Number(moment.slice(1));
  return lines([
    `a_${s}&=${U}\\,${mark(`x${s}`)}+${W}\\,${mark(`h${s - 1}`)}+${b}`,
    `&=${column(weights.U)}(${fixed(x[s - 1]!, 1)})+${matrix(weights.W)}${column(stepOf(h, s - 1))}`,
    `&\\;+${column(weights.b)}=${column(stepOf(a, s))}`,
    `${mark(`h${s}`)}&=${phi[setting.activation]}${column(stepOf(a, s))}=${column(stepOf(h, s))}`,
  ]);
}
