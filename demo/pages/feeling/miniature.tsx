import "./miniature.css";

/** Words go by, one after the other, and three bars follow. */
export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      {[0, 1, 2, 3, 4].map((t) => (
        <rect key={t} class={`feeling-word feeling-word-${t}`} x={18 + 42 * t} y="22" width="34" height="16" rx="5" />
      ))}
      {["negative", "neutral", "positive"].map((name, i) => (
        <g key={name}>
          <rect class="feeling-track" x="60" y={60 + 17 * i} width="120" height="10" rx="3" />
          <rect class={`feeling-bar feeling-${name}`} x="60" y={60 + 17 * i} width="120" height="10" rx="3" />
        </g>
      ))}
    </svg>
  );
}
