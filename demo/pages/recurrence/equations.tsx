/** The equations beside the picture: in general, and with the numbers of the moment. Symbols point both ways. */
import { Equation } from "../../shell/equation.tsx";
import { pointed } from "./diagram.tsx";
import type { Factors, Numbers } from "./factors.ts";
import { setting } from "./lab.ts";
import { equationOf, general } from "./moments.ts";
import { moment } from "./picture.tsx";
import { text } from "./text.ts";

export function Equations({ numbers, factors }: { readonly numbers: Numbers; readonly factors: Factors }) {
  const at = pointed.value;
  const point = (symbol: string | undefined) => {
    pointed.value = symbol;
  };
  const kind = at?.replace(/\d$/, "");
  // States and inputs have a symbol for each step where the numbers are; weights have one for all.
  const ofStep = at && /^[xh]/.test(at) ? at : kind;
  return (
    <section class="card stack recurrence-equations">
      <h2>{text("equations")}</h2>
      {general(setting().activation).map((tex) => (
        <Equation key={tex} tex={tex} block symbol={kind} onSymbol={point} />
      ))}
      <h3>{text("now")}</h3>
      <div class="recurrence-now">
        <Equation tex={equationOf(moment(), numbers, factors, setting())} block symbol={ofStep} onSymbol={point} />
      </div>
    </section>
  );
}
