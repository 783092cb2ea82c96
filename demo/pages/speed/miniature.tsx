/** A roof: points rise to it from the left. */
import "./miniature.css";

const points = [
  { x: 46, y: 92 },
  { x: 72, y: 70 },
  { x: 98, y: 56 },
  { x: 128, y: 42 },
  { x: 168, y: 40 },
  { x: 204, y: 38 },
];

export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      <path d="M28 12V104H228" fill="none" stroke="var(--line)" stroke-width="2" />
      <path
        d="M28 96L104 30H228"
        fill="none"
        stroke="var(--soft)"
        stroke-width="3"
        stroke-linejoin="round"
        stroke-linecap="round"
      />
      {points.map(({ x, y }, i) => (
        <circle
          key={x}
          class="speed-miniature-point"
          cx={x}
          cy={y + 6}
          r="6"
          fill={i % 2 === 0 ? "var(--accent)" : "var(--warm)"}
          style={{ animationDelay: `${i * 0.35}s` }}
        />
      ))}
    </svg>
  );
}
