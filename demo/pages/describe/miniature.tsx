/** A picture of cells, and words that follow from it one by one. */
import "./miniature.css";

const rows = ["..xx..", ".xxxx.", "xxxxxx", "xxxxxx", ".xxxx.", "..xx.."];

export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      <rect class="describe-mini-frame" x="18" y="20" width="80" height="80" rx="4" />
      {rows.flatMap((row, r) =>
        [...row].map(
          (cell, c) =>
            cell === "x" && (
              <rect key={`${r} ${c}`} class="describe-mini-cell" x={28 + 10 * c} y={30 + 10 * r} width="9" height="9" />
            ),
        ),
      )}
      {[38, 52, 60, 44].map((width, t) => (
        <rect
          key={t}
          class={`describe-mini-word describe-mini-${t}`}
          x={t % 2 ? 122 + [38, 52, 60, 44][t - 1]! + 8 : 122}
          y={t < 2 ? 38 : 64}
          width={width}
          height="18"
          rx="5"
        />
      ))}
    </svg>
  );
}
