import "./miniature.css";

/** Grains of noise, the same every time. */
const grains = Array.from({ length: 190 }, (_, i) => [(i * 89) % 238, 6 + ((i * 53) % 106)] as const);
/** Harmonics that glide together. */
const tones = [0, 1, 2].map((k) => {
  const [y, bend] = [96 - 26 * k, 8 + 5 * k];
  return `M14 ${y}q28-${bend} 60-2M98 ${y - 12}q24 ${bend} 54-2M176 ${y}q24-${bend} 52-6`;
});

/** A line goes over a noisy picture of sound; behind it only the voice is left. */
export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      {grains.map(([x, y]) => (
        <rect key={`${x} ${y}`} class="sound-grain" x={x} y={y} width="4" height="4" rx="1" />
      ))}
      <rect class="sound-veil" width="240" height="120" />
      {tones.map((d) => (
        <path key={d} class="sound-tone" d={d} />
      ))}
      <line class="sound-edge" x1="0" x2="0" y1="4" y2="116" />
    </svg>
  );
}
