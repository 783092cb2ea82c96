/** The network's settings: which there are, what is preset for an adapter, and what the form says. */
import type { CharModelCell, RuntimeInfo } from "../src/index.ts";
import { element } from "./elements.ts";
import { number, text } from "./language.ts";
import type { Settings } from "./messages.ts";
import type { TextKey } from "./strings.ts";

type Field = Exclude<keyof Settings, "cell">;

interface Choice {
  readonly label: TextKey;
  readonly values: readonly number[];
  /** Where it stands: beside the cells, or under "More settings". */
  readonly place: "mainFields" | "moreFields";
  /** Words for the value 0. */
  readonly zero?: TextKey;
}

const choices: Readonly<Record<Field, Choice>> = {
  hiddenSize: { label: "hiddenSize", values: [16, 32, 64, 128, 256, 512], place: "mainFields" },
  numLayers: { label: "numLayers", values: [1, 2, 3], place: "mainFields" },
  steps: { label: "steps", values: [100, 500, 2000, 10_000, 0], place: "mainFields", zero: "stepsEndless" },
  embeddingDim: { label: "embeddingDim", values: [8, 16, 32, 64, 128], place: "moreFields" },
  window: { label: "window", values: [8, 16, 32, 64, 128], place: "moreFields" },
  batch: { label: "batch", values: [1, 4, 8, 16, 32, 64], place: "moreFields" },
  learningRate: { label: "learningRate", values: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02], place: "moreFields" },
  clipNorm: { label: "clipNorm", values: [0.25, 0.5, 1, 5, 0], place: "moreFields", zero: "clipOff" },
};
const fields = Object.keys(choices) as Field[];

const cellHints: Readonly<Record<CharModelCell, TextKey>> = {
  lstm: "cellHintLstm",
  gru: "cellHintGru",
  rnn_tanh: "cellHintTanh",
  rnn_relu: "cellHintRelu",
};

/** Sizes that give a first readable text within about a minute. */
function presetFor({ backend, adapter }: RuntimeInfo): Readonly<Record<Field, number>> {
  const common = { numLayers: 1, clipNorm: 1, steps: 2000 };
  if (backend === "cpu")
    return { ...common, hiddenSize: 32, embeddingDim: 16, window: 16, batch: 8, learningRate: 0.01 };
  if (backend === "wasm")
    return { ...common, hiddenSize: 128, embeddingDim: 64, window: 32, batch: 16, learningRate: 0.005 };
  if (adapter?.software)
    return { ...common, hiddenSize: 64, embeddingDim: 32, window: 32, batch: 16, learningRate: 0.005 };
  return { ...common, hiddenSize: 128, embeddingDim: 64, window: 64, batch: 32, learningRate: 0.005 };
}

const selectOf = (field: Field) => element(`field-${field}`, HTMLSelectElement);

export function buildFields(): void {
  for (const field of fields) {
    const { label, values, place } = choices[field];
    const wrap = document.createElement("label");
    wrap.className = "field";
    const name = document.createElement("span");
    name.dataset.text = label;
    const select = document.createElement("select");
    select.id = `field-${field}`;
    for (const value of values) select.add(new Option("", String(value)));
    wrap.append(name, select);
    element(place).append(wrap);
  }
  for (const radio of cells()) radio.addEventListener("change", nameCell);
}

/** The words in the fields, in the present language. */
export function nameFields(): void {
  for (const field of fields) {
    const { zero } = choices[field];
    for (const option of selectOf(field).options) {
      const value = Number(option.value);
      option.textContent = value === 0 && zero ? text(zero) : number(value, decimals(value));
    }
  }
  nameCell();
}

const decimals = (value: number) => String(value).split(".")[1]?.length ?? 0;
const cells = () => document.querySelectorAll<HTMLInputElement>("input[name=cell]");
const cell = () => [...cells()].find(({ checked }) => checked)!.value as CharModelCell;

function nameCell(): void {
  element("cellHint").textContent = text(cellHints[cell()]);
}

/** Presets for what was found. */
export function presetFields(info: RuntimeInfo): void {
  const preset = presetFor(info);
  for (const field of fields) selectOf(field).value = String(preset[field]);
}

/** Shows the settings of a model that was loaded, values that are not among the choices included. */
export function showFields(settings: Settings): void {
  for (const radio of cells()) radio.checked = radio.value === settings.cell;
  for (const field of fields) {
    // 0 is no setting of a file that holds weights only, except where it means something.
    if (settings[field] === 0 && !choices[field].zero) continue;
    const select = selectOf(field);
    const value = String(settings[field]);
    if (![...select.options].some((option) => option.value === value)) select.add(new Option("", value));
    select.value = value;
  }
  nameFields();
}

export function readFields(): Settings {
  const values = Object.fromEntries(fields.map((field) => [field, Number(selectOf(field).value)]));
  return { cell: cell(), ...(values as Record<Field, number>) };
}
