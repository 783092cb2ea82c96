import "./miniature.css";

const arrows = ["M0 6h14m-5-5 5 5-5 5", "M7 0v14m-5-5 5 5 5-5", "M14 6H0m5-5-5 5 5 5", "M7 14V0m-5 5 5-5 5 5"];

/** A shape goes round in a field, and the arrow of each frame lights up. */
export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      <rect class="frames-mini-field" x="20" y="16" width="88" height="88" rx="4" />
      <rect class="frames-mini-shape" x="32" y="28" width="32" height="32" rx="3" />
      {arrows.map((d, i) => (
        <g key={d} class={`frames-mini-label frames-mini-label-${i}`} transform={`translate(140 ${20 + 22 * i})`}>
          <path d={d} fill="none" stroke="var(--warm)" stroke-width="2.5" />
          <rect x="26" y="1" width="52" height="11" rx="3" />
        </g>
      ))}
    </svg>
  );
}
