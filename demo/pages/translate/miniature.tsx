/** Units that were read and units that are written, with the lines of attention between them. */
import "./miniature.css";

/** Which unit above each one below looks at: the order changes on the way. */
const looks = [4, 0, 3, 1, 2];
const x = (i: number) => 32 + i * 44;

export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      {looks.map((s, t) => (
        <g key={t}>
          <rect class="translate-mini-read" x={x(t) - 17} y="10" width="34" height="16" rx="5" />
          <line x1={x(s)} y1="28" x2={x(t)} y2="90" class={`translate-mini translate-mini-${t}`} />
          <rect
            class={`translate-mini-written translate-mini-${t}`}
            x={x(t) - 17}
            y="92"
            width="34"
            height="16"
            rx="5"
          />
        </g>
      ))}
    </svg>
  );
}
