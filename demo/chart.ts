/** Line charts over training steps, drawn by uPlot in the page's colours and language. */
import uPlot from "uplot";
import { language, number, text } from "./language.ts";
import { color } from "./palette.ts";
import type { TextKey } from "./strings.ts";

/** Beyond this many points the older half of the detail goes: a chart is about 500 pixels wide. */
const mostPoints = 2000;
/** Milliseconds between two drawings, so that the page always has time for its user. */
const drawEvery = 300;

export interface SeriesStyle {
  readonly label: TextKey;
  /** A custom property of style.css. */
  readonly color: string;
  readonly width: number;
  readonly dash?: readonly number[];
  /** Dots, for values that most steps do not have. */
  readonly dots?: boolean;
}

type Value = number | null;

export class Chart {
  readonly #target: HTMLElement;
  readonly #name: TextKey;
  readonly #styles: readonly SeriesStyle[];
  readonly #steps: number[] = [];
  readonly #values: Value[][];
  #plot: uPlot | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #drawn = 0;

  constructor(target: HTMLElement, name: TextKey, styles: readonly SeriesStyle[]) {
    this.#target = target;
    this.#name = name;
    this.#styles = styles;
    this.#values = styles.map(() => []);
    new ResizeObserver(() => this.#resize()).observe(target);
    this.rebuild();
  }

  /** Makes the chart anew, after a change of language or theme. */
  rebuild(): void {
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#options(), this.#data(), this.#target);
    this.#describe();
  }

  add(step: number, values: readonly Value[]): void {
    this.#steps.push(step);
    values.forEach((value, i) => void this.#values[i]!.push(value));
    if (this.#steps.length > mostPoints) this.#thin();
    this.#draw();
  }

  /** Sets a value at the last step. */
  mark(series: number, value: number): void {
    const values = this.#values[series]!;
    if (values.length === 0) return;
    values[values.length - 1] = value;
    this.#draw();
  }

  /** Forgets what came after a step; all of it with 0. */
  cut(step: number): void {
    const found = this.#steps.findIndex((known) => known > step);
    const keep = found < 0 ? this.#steps.length : found;
    this.#steps.length = keep;
    for (const values of this.#values) values.length = keep;
    this.#draw();
  }

  #data(): uPlot.AlignedData {
    return [this.#steps, ...this.#values];
  }

  /** Drops every second step, except those with a dot. */
  #thin(): void {
    const dotted = this.#styles.findIndex(({ dots }) => dots);
    const keep = this.#steps.map((_, i) => i % 2 === 1 || (dotted >= 0 && this.#values[dotted]![i] !== null));
    const thin = <T>(list: T[]) => {
      const kept = list.filter((_, i) => keep[i]);
      list.splice(0, list.length, ...kept);
    };
    thin(this.#steps);
    this.#values.forEach(thin);
  }

  #draw(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#drawn = performance.now();
        this.#plot?.setData(this.#data());
        this.#describe();
      },
      Math.max(0, this.#drawn + drawEvery - performance.now()),
    );
  }

  /** Says in words what the chart shows. */
  #describe(): void {
    const name = text(this.#name);
    const step = this.#steps.at(-1);
    const last = this.#values[0]!.at(-1);
    const label =
      step === undefined || last === null || last === undefined
        ? text("chartEmpty", { name })
        : text("chartLabel", { name, step, last: number(last, 2) });
    this.#target.setAttribute("aria-label", label);
  }

  #resize(): void {
    const { clientWidth: width } = this.#target;
    if (width > 0 && width !== this.#plot?.width) this.#plot?.setSize({ width, height: this.#height(width) });
  }

  readonly #height = (width: number) => Math.round(Math.max(150, Math.min(210, width * 0.5)));

  #options(): uPlot.Options {
    const width = this.#target.clientWidth || 300;
    const axis = {
      stroke: color("soft"),
      grid: { stroke: color("line"), width: 1 },
      ticks: { stroke: color("line"), width: 1, size: 4 },
      font: "12px system-ui, sans-serif",
    };
    const short = new Intl.NumberFormat(language(), { maximumSignificantDigits: 4 });
    const showValue = (_: uPlot, value: number | null) => (value === null ? "–" : number(value, 3));
    return {
      width,
      height: this.#height(width),
      scales: { x: { time: false }, y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.05 : 1] } },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
      legend: { live: true },
      axes: [
        {
          ...axis,
          size: 28,
          values: (_, splits) => splits.map((value) => (Number.isInteger(value) ? number(value) : "")),
        },
        { ...axis, size: 44, values: (_, splits) => splits.map((value) => short.format(value)) },
      ],
      series: [
        { label: text("step"), value: (_, value) => (value === null ? "–" : number(value)) },
        ...this.#styles.map(({ label, color: name, width, dash, dots }) => ({
          label: text(label),
          stroke: color(name),
          width,
          value: showValue,
          spanGaps: true,
          ...(dash ? { dash: [...dash] } : {}),
          points: dots ? { show: true, size: 6, fill: color(name) } : { show: false },
        })),
      ],
    };
  }
}
