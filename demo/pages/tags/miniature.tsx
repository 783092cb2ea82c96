/** Words, and under each the shares of its tags; those of one word change. */
import "./miniature.css";

/** For each word the shares of three tags. */
const shares = [
  [0.9, 0.1, 0.15],
  [0.15, 0.85, 0.1],
  [0.8, 0.7, 0.1],
  [0.1, 0.15, 0.9],
];
const colors = ["--accent", "--warm", "--violet"];

export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true" class="tags-mini">
      {shares.map((column, t) => (
        <g key={t} transform={`translate(${12 + t * 56} 0)`}>
          <rect y="12" width="48" height="22" rx="5" fill="none" stroke="var(--line)" stroke-width="1.5" />
          <rect x="10" y="20" width="28" height="6" rx="3" fill="var(--soft)" />
          {column.map((share, k) => (
            <rect
              key={k}
              class={t === 2 && k < 2 ? `tags-mini-${k}` : undefined}
              y={46 + k * 22}
              width={48 * share}
              height="14"
              rx="3"
              fill={`var(${colors[k]})`}
              opacity={share > 0.5 ? 1 : 0.45}
            />
          ))}
        </g>
      ))}
    </svg>
  );
}
