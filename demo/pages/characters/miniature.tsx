import "./miniature.css";

const [COLUMNS, ROWS] = [20, 5];
/** What the made-up units do: each follows something else. */
const value = (row: number, column: number) => Math.sin((column + 2 * row) * (0.35 + 0.27 * row));

/** Letters appear one after the other, and under each of them a column of states. */
export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      {Array.from({ length: COLUMNS }, (_, column) => (
        <g key={column} class="characters-mini" style={{ animationDelay: `${column * 0.25}s` }}>
          <text x={20 + 10 * column} y="32">
            {"abcde fgh ijklm nop·"[column]}
          </text>
          {Array.from({ length: ROWS }, (_, row) => (
            <rect
              key={row}
              x={16 + 10 * column}
              y={44 + 12 * row}
              width="9"
              height="11"
              fill={`var(--map-${value(row, column) < 0 ? "low" : "high"})`}
              opacity={Math.abs(value(row, column)).toFixed(2)}
            />
          ))}
        </g>
      ))}
    </svg>
  );
}
