/** A memory goes along a line, through a gate that opens and closes; one gate lets in, one lets out. */
import "./miniature.css";

const gates = [
  { x: 60, y: 84, delay: 0 },
  { x: 112, y: 40, delay: 1.2 },
  { x: 176, y: 84, delay: 2.4 },
];

export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      <g fill="none" stroke-width="3" stroke-linecap="round">
        <path d="M16 40H224" stroke="var(--accent)" />
        <path d="M60 110V40M176 40V110" stroke="var(--soft)" />
      </g>
      <circle class="gates-miniature-memory" cx="24" cy="40" r="9" fill="var(--warm)" />
      {gates.map(({ x, y, delay }) => (
        <g key={x}>
          <circle cx={x} cy={y} r="15" fill="var(--card)" stroke="var(--line)" stroke-width="2" />
          <circle
            class="gates-miniature-gate"
            cx={x}
            cy={y}
            r="11"
            fill="var(--accent)"
            style={{ animationDelay: `${delay}s` }}
          />
        </g>
      ))}
    </svg>
  );
}
