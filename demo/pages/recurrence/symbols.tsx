/** The symbols, to be pointed at by keys as well, and what each of them is. */
import { isPointed, pointed } from "./diagram.tsx";
import { text } from "./text.ts";

const symbols = ["x", "U", "h", "W", "b", "V", "y", "E"] as const;

export function Symbols() {
  const point = (symbol: string | undefined) => {
    pointed.value = symbol;
  };
  const kind = symbols.find((symbol) => symbol === pointed.value?.replace(/\d$/, ""));
  return (
    <>
      <fieldset class="recurrence-symbols" aria-label={text("symbols")}>
        {symbols.map((symbol) => (
          <button
            key={symbol}
            type="button"
            class={isPointed(symbol) ? "pointed" : undefined}
            onPointerEnter={() => point(symbol)}
            onPointerLeave={() => point(undefined)}
            onFocus={() => point(symbol)}
            onBlur={() => point(undefined)}
          >
            {symbol}
          </button>
        ))}
      </fieldset>
      <p class="readout" aria-live="polite">
        {text(kind ?? "symbolHint")}
      </p>
    </>
  );
}
