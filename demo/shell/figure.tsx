/** A picture with its title, and the table behind it for those who read numbers or hear the page. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { words } from "./language.ts";

const text = words({ table: ["As a table", "표로 보기"] });

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export interface FigureProps {
  readonly title: string;
  readonly hint?: string;
  /** Made when it is opened. */
  readonly table?: () => Table;
  readonly children: ComponentChildren;
}

export function Figure({ title, hint, table, children }: FigureProps) {
  const id = useId();
  const isOpen = useSignal(false);
  const made = isOpen.value ? table?.() : undefined;
  return (
    <figure class="stack" aria-labelledby={id}>
      <figcaption>
        <h2 id={id}>{title}</h2>
      </figcaption>
      {children}
      {hint && <p class="hint">{hint}</p>}
      {table && (
        <details
          class="behind"
          onToggle={({ currentTarget }) => {
            isOpen.value = currentTarget.open;
          }}
        >
          <summary>{text("table")}</summary>
          {made && (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys
            <section class="scroll" tabIndex={0} aria-label={title}>
              <table>
                <thead>
                  <tr>
                    {made.head.map((cell, c) => (
                      // Columns may have the same name.
                      <th key={c} scope="col">
                        {cell}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {made.rows.map((row, r) => (
                    <tr key={r}>
                      {row.map((cell, c) =>
                        c === 0 ? (
                          <th key={c} scope="row">
                            {cell}
                          </th>
                        ) : (
                          <td key={c}>{cell}</td>
                        ),
                      )}
                    </tr>
                  ))}
                </tbody>
              </table>
            </section>
          )}
        </details>
      )}
    </figure>
  );
}
