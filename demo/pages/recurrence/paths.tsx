/** What each path adds to the gradient of U, W and b, their sum, and the step that is made of it. */
import { Figure } from "../../shell/figure.tsx";
import { number } from "../../shell/language.ts";
import { tinted } from "../../shell/sequence.tsx";
import { isCut, type Numbers, sumOf } from "./factors.ts";
import { chosen, learnOnce, setting } from "./lab.ts";
import { chips, type Moment } from "./moments.ts";
import { moment } from "./picture.tsx";
import { text } from "./text.ts";

const names = ["U", "W", "b"] as const;
type Shares = Readonly<Record<(typeof names)[number], readonly number[]>>;

/** Numbers in rows of a matrix, tinted by their size. @param most the largest of all */
function Matrix({ values, columns, most }: Readonly<{ values: readonly number[]; columns: number; most: number }>) {
  return (
    <span class="recurrence-matrix" style={{ gridTemplateColumns: `repeat(${columns}, 1fr)` }}>
      {values.map((one, i) => (
        <span key={i} style={{ background: tinted(one / most) }}>
          {number(Math.abs(one) < 0.0005 ? 0 : one, 3)}
        </span>
      ))}
    </span>
  );
}

export function Paths({ numbers }: { readonly numbers: Numbers }) {
  const { cut, rate } = setting();
  const T = numbers.x.length;
  const sum = sumOf(numbers, cut);
  const most = Math.max(
    1e-9,
    ...[sum, ...numbers.paths].flatMap((one) => names.flatMap((name) => one[name].map(Math.abs))),
  );
  const cells = (shares: Shares) =>
    names.map((name) => (
      <td key={name} data-name={name}>
        <Matrix values={shares[name]} columns={name === "W" ? 2 : 1} most={most} />
      </td>
    ));
  const row = (name: string, shares: Shares) => [name, ...names.flatMap((one) => shares[one].map((v) => number(v, 6)))];
  const table = () => ({
    head: [text("path"), "∂U₁", "∂U₂", "∂W₁₁", "∂W₁₂", "∂W₂₁", "∂W₂₂", "∂b₁", "∂b₂"],
    rows: [
      ...numbers.paths.map((path) =>
        row(`${chips[`path${path.step}` as Moment]}${isCut(path.step, T, cut) ? ` (${text("cutHere")})` : ""}`, path),
      ),
      row(text("total"), sum),
    ],
  });
  return (
    <section class="card">
      <Figure title={text("gradient")} hint={text("gradientHint")} table={table}>
        <table class="recurrence-paths">
          <thead>
            <tr>
              <th scope="col">{text("path")}</th>
              {names.map((name) => (
                <th key={name} scope="col">
                  ∂E₃/∂{name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {numbers.paths.map((path) => {
              const at = `path${path.step}` as Moment;
              return (
                <tr key={at} id={at} class={isCut(path.step, T, cut) ? "cut" : undefined}>
                  <th scope="row">
                    <button
                      type="button"
                      aria-pressed={moment() === at}
                      onClick={() => {
                        chosen.at.value = at;
                      }}
                    >
                      {chips[at]}
                    </button>
                  </th>
                  {cells(path)}
                </tr>
              );
            })}
            <tr id="total" class="total">
              <th scope="row">{text("total")}</th>
              {cells(sum)}
            </tr>
          </tbody>
        </table>
        <div class="row">
          <button type="button" id="learn" onClick={learnOnce}>
            {text("once")}
          </button>
          <p class="hint" id="loss" data-loss={numbers.loss}>
            {text("onceHint", { rate: String(rate), loss: number(numbers.loss, 4) })}
          </p>
        </div>
      </Figure>
    </section>
  );
}
