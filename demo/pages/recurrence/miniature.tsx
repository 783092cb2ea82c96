import "./miniature.css";

/** h₁ → h₂ → h₃ → E₃, and the gradient on its way back. */
export default function Miniature() {
  const places = [40, 95, 150, 205];
  return (
    <svg class="recurrence-miniature" viewBox="0 0 240 120" aria-hidden="true">
      {places.slice(1).map((x) => (
        <path key={x} class="forward" d={`M${x - 39} 46H${x - 16}`} />
      ))}
      {places.slice(0, 3).map((x) => (
        <path key={x} class="forward" d={`M${x} 98V62`} />
      ))}
      <path class="back" d="M205 30C205 6 150 6 150 28C150 6 95 6 95 28C95 6 40 6 40 28" />
      {places.map((x, i) => (
        <g key={x}>
          <circle cx={x} cy="46" r="15" />
          <text x={x} y="51">
            {["h₁", "h₂", "h₃", "E₃"][i]}
          </text>
        </g>
      ))}
      {places.slice(0, 3).map((x, i) => (
        <text key={x} x={x} y="114">
          {["x₁", "x₂", "x₃"][i]}
        </text>
      ))}
    </svg>
  );
}
