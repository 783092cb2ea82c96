/** How the training goes: figures and charts. */
import { Chart } from "./chart.ts";
import { element } from "./elements.ts";
import { number, onLanguage, text } from "./language.ts";
import type { ModelReport, Point } from "./messages.ts";
import { onThemeChange } from "./palette.ts";

/** The smoothed loss is a mean over about a tenth of all steps so far, within these bounds. */
const fewest = 4;
const most = 50;

export class Progress {
  readonly #loss = new Chart(element("lossChart"), "bits", [
    { label: "seriesSmooth", color: "accent", width: 2 },
    { label: "seriesRaw", color: "accent-faint", width: 1 },
    { label: "seriesHeldOut", color: "warm", width: 1.5, dots: true },
  ]);
  readonly #gradient = new Chart(element("gradChart"), "gradNorm", [
    { label: "seriesRaw", color: "accent", width: 1.25 },
    { label: "seriesLimit", color: "warm", width: 1.5, dash: [6, 4] },
  ]);
  #model: ModelReport | undefined;
  #smooth: number | undefined;
  #count = 0;
  #last: Point | undefined;
  #speed = 0;

  constructor() {
    onLanguage(() => this.#rebuild());
    onThemeChange(() => this.#rebuild());
    this.#figures();
  }

  /** Another model, or the same one at an earlier step. */
  begin(model: ModelReport): void {
    this.#model = model;
    const from = model.same ? model.step : 0;
    this.#loss.cut(from);
    this.#gradient.cut(from);
    this.#smooth = this.#last = undefined;
    this.#count = this.#speed = 0;
    this.#figures();
  }

  add(points: readonly Point[], charactersPerSecond: number): void {
    const limit = this.#model && this.#model.settings.clipNorm > 0 ? this.#model.settings.clipNorm : null;
    for (const { step, bits, gradNorm } of points) {
      const share = 1 / Math.min(most, Math.max(fewest, ++this.#count / 10));
      this.#smooth = this.#smooth === undefined ? bits : this.#smooth + share * (bits - this.#smooth);
      this.#loss.add(step, [this.#smooth, bits, null]);
      this.#gradient.add(step, [gradNorm, limit]);
    }
    this.#last = points.at(-1) ?? this.#last;
    this.#speed = charactersPerSecond;
    this.#figures();
  }

  heldOut(bits: number): void {
    this.#loss.mark(2, bits);
  }

  #rebuild(): void {
    this.#loss.rebuild();
    this.#gradient.rebuild();
    this.#figures();
  }

  #figures(): void {
    const none = "–";
    const bits = this.#smooth;
    const step = this.#last?.step ?? this.#model?.step;
    element("tileStep").textContent = step === undefined ? none : number(step);
    element("tileBits").textContent = bits === undefined ? none : number(bits, 2);
    element("tilePerplexity").textContent = bits === undefined ? none : number(2 ** bits, 1);
    element("tileGradNorm").textContent = this.#last ? number(this.#last.gradNorm, 2) : none;
    element("tileSpeed").textContent = this.#speed > 0 ? number(Number(this.#speed.toPrecision(2))) : none;
    element("bitsHint").textContent = this.#bitsHint();
    element("modelSummary").textContent = this.#summary();
  }

  #bitsHint(): string {
    const model = this.#model;
    if (!model) return text("bitsHint");
    const blind = text("blindHint", { vocabulary: model.vocabulary, blind: number(Math.log2(model.vocabulary), 1) });
    return `${text("bitsHint")} ${blind}`;
  }

  #summary(): string {
    const model = this.#model;
    if (!model) return "";
    const { name, step, parameters, vocabulary, stepsPerEpoch, skipped, settings } = model;
    const parts: string[] = [];
    if (name !== undefined) parts.push(text(stepsPerEpoch > 0 ? "loadedSummary" : "loadedOnly", { name, step }));
    if (stepsPerEpoch > 0) {
      const { window, batch } = settings;
      parts.push(text("modelSummary", { parameters, vocabulary, batch, window, stepsPerEpoch }));
    }
    if (skipped > 0) parts.push(text("charactersSkipped", { count: skipped }));
    return parts.join(" ");
  }
}
