/** Something to remember goes along three lanes: in one of them it fades. */
import "./miniature.css";

const lanes = [
  { y: 30, color: "var(--warm)", isLost: true },
  { y: 60, color: "var(--good)", isLost: false },
  { y: 90, color: "var(--accent)", isLost: false },
];
const places = Array.from({ length: 9 }, (_, i) => 24 + i * 24);

export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true" class="memory-miniature">
      {lanes.map(({ y, color, isLost }) => (
        <g key={y}>
          <path d={`M24 ${y}H216`} stroke="var(--line)" stroke-width="2" />
          {places.map((x, i) => (
            <circle
              key={x}
              class="memory-miniature-step"
              cx={x}
              cy={y}
              r="8"
              fill={color}
              fill-opacity={isLost ? 0.6 ** i : 1}
              stroke={color}
              style={{ animationDelay: `${i * 0.25}s` }}
            />
          ))}
        </g>
      ))}
    </svg>
  );
}
