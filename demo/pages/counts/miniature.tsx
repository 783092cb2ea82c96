import "./miniature.css";

/** Words in a row: a window that moves over the last three, and a line that carries all of them. */
export default function Miniature() {
  const places = [0, 1, 2, 3, 4, 5].map((i) => 20 + i * 34);
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true" class="counts-miniature">
      {places.map((x, i) => (
        <rect key={x} x={x} y="48" width="28" height="20" rx="5" fill={i === 5 ? "none" : "var(--line)"} />
      ))}
      <rect
        x={places[5]}
        y="48"
        width="28"
        height="20"
        rx="5"
        fill="none"
        stroke="var(--warm)"
        stroke-dasharray="4 3"
      />
      <rect
        class="window"
        x="16"
        y="42"
        width="104"
        height="32"
        rx="8"
        fill="none"
        stroke="var(--accent)"
        stroke-width="2"
      />
      <path
        class="memory"
        d="M34 92 H190"
        stroke="var(--warm)"
        stroke-width="3"
        stroke-linecap="round"
        pathLength="1"
      />
      {places.slice(0, 5).map((x) => (
        <path key={x} d={`M${x + 14} 72 V88`} stroke="var(--soft)" stroke-width="1.5" />
      ))}
      {[18, 10, 6].map((height, i) => (
        <rect key={height} x={190 + i * 11} y={36 - height} width="8" height={height} rx="2" fill="var(--accent)" />
      ))}
    </svg>
  );
}
