/** One of a few: a setting as a row of radio buttons. */
import type { Signal } from "@preact/signals";

export interface ChoiceProps<V extends string> {
  readonly legend: string;
  /** Of the radio buttons. */
  readonly name: string;
  readonly values: readonly V[];
  readonly chosen: Signal<V>;
  readonly labelOf: (value: V) => string;
}

export function Choice<V extends string>({ legend, name, values, chosen, labelOf }: ChoiceProps<V>) {
  return (
    <fieldset class="cells">
      <legend>{legend}</legend>
      {values.map((value) => (
        <label key={value}>
          <input
            type="radio"
            name={name}
            value={value}
            checked={chosen.value === value}
            onChange={() => {
              chosen.value = value;
            }}
          />
          <span class="pill">{labelOf(value)}</span>
        </label>
      ))}
    </fieldset>
  );
}
