/** What the network writes: the latest text, coloured by a unit, and a few earlier ones. */
import { element } from "./elements.ts";
import { type Cursor, HeatMap } from "./heat-map.ts";
import { number, onLanguage, text } from "./language.ts";
import type { ModelReport, SampleReport } from "./messages.ts";
import { diverging, onThemeChange, tint } from "./palette.ts";

/** How many earlier texts are kept: from the first gibberish to the present. */
const keptEarlier = 6;

export class Samples {
  readonly #map = new HeatMap((cursor) => this.#tintText(cursor));
  #latest: SampleReport | undefined;
  #earlier: SampleReport[] = [];
  #characters: HTMLElement[] = [];

  constructor() {
    onLanguage(() => {
      this.#name();
      this.#map.redraw();
    });
    onThemeChange(() => this.#map.redraw());
  }

  /** Another model, or the same one at an earlier step. */
  begin({ same, step }: ModelReport): void {
    if (!same) {
      this.#latest = undefined;
      this.#earlier = [];
    } else this.#earlier = this.#earlier.filter((sample) => sample.step <= step);
    this.#name();
  }

  add(sample: SampleReport): void {
    if (this.#latest && this.#latest.step !== sample.step) this.#keep(this.#latest);
    this.#latest = sample;
    const begun = [...sample.prompt].map((character) => span(character, "given"));
    this.#characters = sample.written.map((character) => span(character));
    element("latestText").replaceChildren(...begun, ...this.#characters);
    this.#name();
    this.#map.show(sample);
  }

  /** Keeps a text, and of too many drops the one whose step tells least beside its neighbours'. */
  #keep(sample: SampleReport): void {
    // The states are the latest text's only: they are most of the memory.
    this.#earlier.push({ ...sample, states: [] });
    if (this.#earlier.length <= keptEarlier) return;
    let least = 1;
    let smallest = Number.POSITIVE_INFINITY;
    for (let i = 1; i < this.#earlier.length - 1; i++) {
      const ratio = (this.#earlier[i + 1]!.step + 1) / (this.#earlier[i - 1]!.step + 1);
      if (ratio < smallest) [least, smallest] = [i, ratio];
    }
    this.#earlier.splice(least, 1);
  }

  #name(): void {
    element("latest").hidden = !this.#latest;
    element("samplesEmpty").hidden = this.#latest !== undefined;
    if (this.#latest) element("latestTitle").textContent = title(this.#latest);
    const skipped = this.#latest?.skipped ?? "";
    const warning = element("promptSkipped");
    warning.hidden = skipped === "";
    warning.textContent = text("promptSkipped", { characters: skipped });
    element("earlier").hidden = this.#earlier.length === 0;
    element("history").replaceChildren(
      ...this.#earlier.toReversed().map((sample) => {
        const item = document.createElement("li");
        const name = document.createElement("span");
        name.className = "when";
        name.textContent = text("sampleAt", { step: sample.step });
        const words = document.createElement("span");
        words.className = "sample";
        words.textContent = `${sample.prompt}${sample.written.join("")}`.trim().replace(/\s*\n\s*/g, " ⏎ ");
        item.append(name, words);
        return item;
      }),
    );
  }

  /** Colours every character that was written by what the unit was when it was written. */
  #tintText(cursor: Cursor | undefined): void {
    const colors = diverging();
    const shares = this.#map.shares();
    this.#characters.forEach((character, column) => {
      character.style.backgroundColor = cursor ? tint(colors, shares[column] ?? 0) : "";
      character.classList.toggle("here", cursor?.column === column);
    });
  }
}

const title = ({ step, temperature }: SampleReport) =>
  text("sampleAtTemperature", { step, temperature: number(temperature, 2) });

function span(character: string, kind?: string): HTMLElement {
  const element = document.createElement("span");
  if (kind) element.className = kind;
  if (character === "\n") {
    element.classList.add("line-end");
    element.textContent = "↵\n";
  } else element.textContent = character;
  return element;
}
