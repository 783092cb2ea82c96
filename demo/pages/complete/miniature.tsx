import "./miniature.css";

/** A line that is being written, a caret, and what may follow. */
export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true" class="complete-miniature">
      <rect x="14" y="18" width="212" height="34" rx="8" fill="none" stroke="var(--line)" stroke-width="2" />
      {[24, 62, 92].map((x, i) => (
        <rect key={x} x={x} y="31" width={[32, 24, 38][i]} height="8" rx="4" fill="var(--soft)" />
      ))}
      <path class="caret" d="M137 26 V44" stroke="var(--accent)" stroke-width="2" />
      <rect class="ghost" x="143" y="31" width="46" height="8" rx="4" fill="var(--warm)" />
      {[80, 46, 22].map((width, i) => (
        <g key={width}>
          <rect
            x="24"
            y={66 + i * 16}
            width={[46, 34, 40][i]}
            height="8"
            rx="4"
            fill={i ? "var(--line)" : "var(--warm)"}
          />
          <rect x="84" y={66 + i * 16} width={width} height="8" rx="3" fill="var(--accent)" opacity={i ? 0.45 : 1} />
        </g>
      ))}
    </svg>
  );
}
