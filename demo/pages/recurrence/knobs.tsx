/** Sliders for every number of the network, and how it learns. */
import { number } from "../../shell/language.ts";
import type { Activation, Weights } from "./data.ts";
import { activations, chosen, forget, put, rates } from "./lab.ts";
import { text } from "./text.ts";

function Slider(
  props: Readonly<{ label: string; id: string; value: number; most: number; set: (value: number) => void }>,
) {
  const { label, id, value, most, set } = props;
  return (
    <label class="recurrence-slider">
      <span>
        {label} <output>{number(value, 2)}</output>
      </span>
      <input
        id={id}
        type="range"
        min={-most}
        max={most}
        step="0.05"
        value={value}
        onInput={({ currentTarget }) => set(Number(currentTarget.value))}
      />
    </label>
  );
}

/** A weight's name with its places: W₁₂ goes from unit 2 to unit 1. */
const nameOf = (name: keyof Weights, i: number) =>
  name === "U" || name === "b" ? `${name}${"₁₂"[i]}` : `${name}${"₁₂"[i >> 1]}${"₁₂"[i & 1]}`;

export function Knobs({ weights }: { readonly weights: Weights }) {
  const { activation, cut, rate, x1, x2, x3 } = chosen;
  return (
    <section class="card stack recurrence-knobs">
      <div class="row between">
        <h2>{text("knobs")}</h2>
        <button type="button" id="first" onClick={forget}>
          {text("first")}
        </button>
      </div>
      <div class="recurrence-sliders">
        <fieldset aria-label={text("x")}>
          {[x1, x2, x3].map((x, i) => (
            <Slider
              key={i}
              {...{ label: `x${"₁₂₃"[i]}`, id: `x${i + 1}`, value: x.value, most: 2 }}
              set={(value) => {
                x.value = value;
              }}
            />
          ))}
        </fieldset>
        {(["U", "W", "b", "V"] as const).map((name) => (
          <fieldset key={name} class={weights[name].length === 4 ? "matrix" : undefined} aria-label={text(name)}>
            {weights[name].map((value, i) => (
              <Slider
                key={i}
                {...{ label: nameOf(name, i), id: `${name}${i + 1}`, value, most: 4 }}
                set={(next) => put({ ...weights, [name]: weights[name].map((one, n) => (n === i ? next : one)) })}
              />
            ))}
          </fieldset>
        ))}
      </div>
      <div class="fields">
        <label class="field">
          <span>{text("activation")}</span>
          <select
            id="activation"
            value={activation.value}
            onChange={({ currentTarget }) => {
              activation.value = currentTarget.value as Activation;
            }}
          >
            {activations.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>{text("cut")}</span>
          <select
            id="cut"
            value={String(cut.value)}
            onChange={({ currentTarget }) => {
              cut.value = Number(currentTarget.value);
            }}
          >
            {([3, 2, 1] as const).map((one) => (
              <option key={one} value={String(one)}>
                {text(`cut${one}`)}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          <span>{text("rate")}</span>
          <select
            id="rate"
            value={String(rate.value)}
            onChange={({ currentTarget }) => {
              rate.value = Number(currentTarget.value);
            }}
          >
            {rates.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      </div>
      <p class="hint">{text("restarts")}</p>
    </section>
  );
}
