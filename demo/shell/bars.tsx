/** Probabilities of classes as bars with their numbers. */
import { percent } from "./language.ts";

export interface Bar {
  readonly label: string;
  /** 0 to 1. */
  readonly value: number;
  readonly isBest?: boolean;
  /** Its language, where that is not the page's. */
  readonly lang?: string;
}

export function Bars({ bars, digits = 0 }: { readonly bars: readonly Bar[]; readonly digits?: number }) {
  return (
    <dl class="bars">
      {bars.map(({ label, value, isBest, lang }) => (
        <div key={label} class={isBest ? "best" : undefined}>
          <dt lang={lang}>{label}</dt>
          <dd>
            <i style={{ width: `${Math.max(0, Math.min(1, value)) * 100}%` }} />
            <span>{percent(value, digits)}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
