/** A sequence as a row of steps: each with its unit, a tint, and what stands under it. */
import type { ComponentChildren } from "preact";
import { translucent } from "./theme.ts";

export interface Step {
  readonly unit: string;
  /** -1 to 1: against and for, or low and high. */
  readonly tint?: number;
  /** Read instead of the tint by those who do not see it. */
  readonly note?: string;
  readonly under?: ComponentChildren;
}

export function Sequence({
  label,
  steps,
  lang,
}: {
  readonly label: string;
  readonly steps: readonly Step[];
  readonly lang?: string;
}) {
  return (
    <ol class="sequence" aria-label={label} lang={lang}>
      {steps.map(({ unit, tint = 0, note, under }, t) => (
        <li key={t}>
          <span class="unit" style={{ background: tinted(tint) }} title={note}>
            {unit}
          </span>
          {note && <span class="sr">{note}</span>}
          {under}
        </li>
      ))}
    </ol>
  );
}

/** A translucent colour for what lies behind text. */
export const tinted = (value: number): string =>
  translucent(value < 0 ? "map-low" : "map-high", Math.min(1, Math.abs(value)) * 0.5);
