/** The states over a text, on a canvas: a column for each character that was read, a row for each unit. */
import { showCharacter } from "./character.ts";
import { element, say } from "./elements.ts";
import { number, text } from "./language.ts";
import type { SampleReport } from "./messages.ts";
import { color, diverging, paint } from "./palette.ts";

const canvas = element("mapCanvas", HTMLCanvasElement);
/** What has the focus and the name. */
const frame = element("mapFrame");
const layerSelect = element("mapLayer", HTMLSelectElement);

export interface Cursor {
  readonly column: number;
  readonly unit: number;
}

export class HeatMap {
  readonly #onMove: (cursor: Cursor | undefined) => void;
  #sample: SampleReport | undefined;
  /** Where the map was pointed at last by key or click. */
  #pinned: Cursor | undefined;
  /** Where the pointer hovers. */
  #hover: Cursor | undefined;
  /** One pixel for each value; scaled when it is drawn. */
  readonly #pixels = new OffscreenCanvas(1, 1);
  /** The values of the state and layer that are shown, `[units, columns]`. */
  #values = new Float32Array(0);

  /** @param onMove is told which unit and character is looked at */
  constructor(onMove: (cursor: Cursor | undefined) => void) {
    this.#onMove = onMove;
    frame.tabIndex = 0;
    for (const radio of states()) radio.addEventListener("change", () => this.#repaint());
    layerSelect.addEventListener("change", () => this.#repaint());
    canvas.addEventListener("pointermove", (event) => this.#setHover(this.#at(event)));
    canvas.addEventListener("pointerleave", () => this.#setHover(undefined));
    canvas.addEventListener("pointerdown", (event) => this.#pin(this.#at(event)));
    frame.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#draw()).observe(canvas);
  }

  /** What the unit that is looked at was at every character, as shares of its own largest magnitude: -1 … 1. */
  shares(): Float32Array {
    const cursor = this.#hover ?? this.#pinned;
    const columns = this.#sample?.written.length ?? 0;
    const row = this.#values.subarray((cursor?.unit ?? 0) * columns, ((cursor?.unit ?? 0) + 1) * columns);
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return row.map((value) => value / (largest || 1));
  }

  show(sample: SampleReport): void {
    this.#sample = sample;
    element("mapBody").hidden = false;
    element("mapEmpty").hidden = true;
    for (const radio of states()) {
      const there = sample.states.some(({ name }) => name === radio.value);
      radio.disabled = !there;
      radio.parentElement!.hidden = !there;
      if (!there && radio.checked) states()[0]!.checked = true;
    }
    if (layerSelect.options.length !== sample.layers) {
      layerSelect.replaceChildren(...Array.from({ length: sample.layers }, (_, i) => new Option("", String(i))));
      layerSelect.value = String(sample.layers - 1);
    }
    element("mapLayerField").hidden = sample.layers < 2;
    this.#pinned = inside(this.#pinned, sample) ?? { column: 0, unit: liveliest(sample) };
    this.#hover = inside(this.#hover, sample);
    this.#repaint();
  }

  /** After a change of theme or language. */
  redraw(): void {
    this.#repaint();
  }

  #state() {
    const name = [...states()].find(({ checked }) => checked)?.value ?? "h";
    return this.#sample?.states.find((state) => state.name === name) ?? this.#sample?.states[0];
  }

  #value({ column, unit }: Cursor): number {
    return this.#values[unit * (this.#sample?.written.length ?? 0) + column] ?? 0;
  }

  /** Colours every value anew. */
  #repaint(): void {
    const sample = this.#sample;
    if (!sample) return;
    const { units, layers } = sample;
    const columns = sample.written.length;
    const colors = diverging();
    const image = new ImageData(columns, units);
    const from = this.#state()?.values ?? [];
    const layer = Number(layerSelect.value);
    this.#values = new Float32Array(units * columns);
    for (let unit = 0; unit < units; unit++)
      for (let column = 0; column < columns; column++) {
        this.#values[unit * columns + column] = from[(column * layers + layer) * units + unit] ?? 0;
      }
    const { scale, cut } = scaleOf(this.#values);
    this.#values.forEach((value, i) => void paint(colors, value / scale, image.data, i * 4));
    this.#pixels.width = columns;
    this.#pixels.height = units;
    this.#pixels.getContext("2d")?.putImageData(image, 0, 0);
    canvas.style.height = `${Math.min(384, Math.max(160, units * 3))}px`;
    frame.setAttribute("aria-label", text("mapLabel", { units, columns }));
    element("mapLowest").textContent = `${cut ? "≤ " : ""}${number(-scale, 2)}`;
    element("mapHighest").textContent = `${cut ? "≥ " : ""}+${number(scale, 2)}`;
    for (const option of layerSelect.options) option.textContent = number(Number(option.value) + 1);
    this.#moved();
  }

  #draw(): void {
    const sample = this.#sample;
    const context = canvas.getContext("2d");
    if (!sample || !context || canvas.clientWidth === 0) return;
    const ratio = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.imageSmoothingEnabled = height < sample.units;
    context.drawImage(this.#pixels, 0, 0, width, height);
    const cursor = this.#hover ?? this.#pinned;
    if (!cursor) return;
    const cellWidth = width / sample.written.length;
    const cellHeight = height / sample.units;
    context.strokeStyle = color("ink");
    context.lineWidth = ratio;
    context.globalAlpha = 0.55;
    context.strokeRect(-2 * ratio, cursor.unit * cellHeight, width + 4 * ratio, cellHeight);
    context.strokeRect(cursor.column * cellWidth, -2 * ratio, cellWidth, height + 4 * ratio);
    context.globalAlpha = 1;
    context.lineWidth = 2 * ratio;
    context.strokeRect(cursor.column * cellWidth, cursor.unit * cellHeight, cellWidth, cellHeight);
  }

  #at({ offsetX, offsetY }: PointerEvent): Cursor | undefined {
    if (!this.#sample || canvas.clientWidth === 0) return undefined;
    const { units, written } = this.#sample;
    const place = (offset: number, size: number, count: number) =>
      Math.max(0, Math.min(count - 1, Math.floor((offset / size) * count)));
    return {
      column: place(offsetX, canvas.clientWidth, written.length),
      unit: place(offsetY, canvas.clientHeight, units),
    };
  }

  #key(event: KeyboardEvent): void {
    const sample = this.#sample;
    if (!sample || event.ctrlKey || event.metaKey || event.altKey) return;
    const { column, unit } = this.#pinned ?? { column: 0, unit: 0 };
    const last = sample.written.length - 1;
    const moves: Readonly<Record<string, Cursor>> = {
      ArrowLeft: { column: column - 1, unit },
      ArrowRight: { column: column + 1, unit },
      ArrowUp: { column, unit: unit - 1 },
      ArrowDown: { column, unit: unit + 1 },
      PageUp: { column, unit: unit - 10 },
      PageDown: { column, unit: unit + 10 },
      Home: { column: 0, unit },
      End: { column: last, unit },
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    this.#hover = undefined;
    this.#pin(inside(move, sample));
  }

  #pin(cursor: Cursor | undefined): void {
    this.#pinned = cursor;
    this.#moved();
  }

  #setHover(cursor: Cursor | undefined): void {
    const same = cursor?.column === this.#hover?.column && cursor?.unit === this.#hover?.unit;
    this.#hover = cursor;
    if (!same) this.#moved();
  }

  #moved(): void {
    this.#draw();
    const cursor = this.#hover ?? this.#pinned;
    this.#onMove(cursor);
    const readout = element("mapReadout");
    const sample = this.#sample;
    if (!cursor || !sample) {
      say(readout, text("mapReadoutEmpty"));
      return;
    }
    const read = showCharacter(sample.read[cursor.column]!);
    const wrote = showCharacter(sample.written[cursor.column]!);
    const state = this.#state()?.name ?? "h";
    const value = number(this.#value(cursor), 3);
    say(readout, text("mapReadout", { read, wrote, unit: cursor.unit + 1, state, value }));
  }
}

const states = () => document.querySelectorAll<HTMLInputElement>("input[name=mapState]");

/**
 * The magnitude that has the full colour. A few cells grow without bound, as counters do; so that they do not make all
 * others look alike, the scale ends at three times the median there.
 */
function scaleOf(values: Float32Array): { scale: number; cut: boolean } {
  const sizes = values.map(Math.abs).sort();
  const largest = sizes.at(-1) ?? 0;
  if (largest <= 1) return { scale: largest || 1, cut: false };
  const scale = Math.max(1, 3 * sizes[sizes.length >> 1]!);
  return scale < largest ? { scale, cut: true } : { scale: largest, cut: false };
}

/** The unit of the topmost layer whose hidden state varies most: a first one to look at. */
function liveliest({ layers, units, states: [first] }: SampleReport): number {
  const values = first?.values ?? new Float32Array(0);
  const sums = new Float64Array(units);
  const squares = new Float64Array(units);
  for (let row = layers - 1; row < values.length / units; row += layers)
    for (let unit = 0; unit < units; unit++) {
      const value = values[row * units + unit]!;
      sums[unit]! += value;
      squares[unit]! += value * value;
    }
  const variances = squares.map((square, unit) => square - (sums[unit]! ** 2 * layers * units) / values.length);
  return variances.indexOf(Math.max(...variances));
}

function inside(cursor: Cursor | undefined, { units, written }: SampleReport): Cursor | undefined {
  if (!cursor) return undefined;
  const within = (value: number, count: number) => Math.max(0, Math.min(count - 1, value));
  return { column: within(cursor.column, written.length), unit: within(cursor.unit, units) };
}
