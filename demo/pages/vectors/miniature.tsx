import "./miniature.css";

/** Points that gather in three groups. */
const groups = [
  { color: "accent", x: 60, y: 38 },
  { color: "warm", x: 178, y: 46 },
  { color: "good", x: 116, y: 92 },
];
/** From the group's centre, at the end and at the beginning. */
const points = [
  { dx: -9, dy: 3, fromX: -34, fromY: 44 },
  { dx: 7, dy: -7, fromX: 58, fromY: -18 },
  { dx: 4, dy: 9, fromX: 20, fromY: 22 },
  { dx: -5, dy: -9, fromX: -22, fromY: -14 },
];

export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true" class="vectors-miniature">
      <path d="M20 104 H224 M20 104 V12" stroke="var(--line)" stroke-width="2" fill="none" />
      {groups.map(({ color, x, y }) =>
        points.map(({ dx, dy, fromX, fromY }) => (
          <circle
            key={`${color} ${dx}`}
            r="5"
            cx={x + dx}
            cy={y + dy}
            fill={`var(--${color})`}
            style={{ "--from": `translate(${fromX - dx}px, ${fromY - dy}px)` }}
          />
        )),
      )}
    </svg>
  );
}
