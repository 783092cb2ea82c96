/** The recurrent network beside feed-forward ones that learn the same sequences. */
import { percent } from "../../shell/language.ts";
import { sequences } from "./data.ts";
import { Diagram } from "./diagram.tsx";
import { factorsOf, type Numbers } from "./factors.ts";
import { setting, show, shown } from "./lab.ts";
import { lightOfOne } from "./moments.ts";
import { moment } from "./picture.tsx";
import { text } from "./text.ts";

export function Beside({ last }: { readonly last: Numbers }) {
  const { h, y, loss, weights } = last;
  const factors = factorsOf(last, setting().activation);
  const written = (values: readonly number[]) => values.map((one) => one.toFixed(2)).join(", ");
  const x = last.x.slice(2);
  const label = text("besideLabel", { x: x[0]!.toFixed(1), h: written(h), y: written(y), loss: loss.toFixed(2) });
  return (
    <section class="card stack">
      <h2>{text("beside")}</h2>
      <Diagram {...{ label, x, h, y, loss, weights, factors, light: lightOfOne(moment(), 3), from: 3 }} />
      <p class="hint">{text("besideHint")}</p>
    </section>
  );
}

const kinds = [
  ["recurrent", "recurrent"],
  ["last", "last"],
  ["all", "allThree"],
] as const;

/** What each network says of all eight. */
export function Eight({ judged }: { readonly judged: Readonly<Record<string, readonly (readonly number[])[]>> }) {
  const now = shown().x.join();
  return (
    <section class="card stack recurrence-eight">
      <h2>{text("eight")}</h2>
      <p class="hint">{text("eightHint")}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{text("sequence")}</th>
            {kinds.map(([kind, word]) => (
              <th key={kind} scope="col">
                {text(word)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sequences.map((sequence, n) => (
            <tr key={n} id={`sequence${n}`}>
              <th scope="row">
                <button type="button" aria-pressed={sequence.x.join() === now} onClick={() => show(sequence)}>
                  {sequence.x.map((one) => (one > 0 ? "+" : "−")).join(" ")}
                </button>{" "}
                {text(sequence.label === 1 ? "positive" : "negative")}
              </th>
              {kinds.map(([kind]) => {
                const share = judged[kind]![n]![sequence.label]!;
                return (
                  <td key={kind} data-kind={kind} class={share <= 0.5 ? "warn" : undefined}>
                    {percent(share)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
