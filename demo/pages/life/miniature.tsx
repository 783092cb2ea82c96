/** Two strands and what joins them; a window goes along, and codons light up by threes. */
import "./miniature.css";

const colors = ["--accent", "--warm", "--violet", "--good"];
/** The kinds of the pairs. */
const pairs = [0, 2, 1, 3, 3, 0, 1, 2, 0, 1, 3, 2, 1, 0, 2];
const wave = (t: number) => 26 * Math.cos((t * Math.PI) / 7);

export default function Miniature() {
  const strand = (side: number) =>
    `M${Array.from({ length: 57 }, (_, i) => `${16 + i * 3.7} ${46 + side * wave(i / 4)}`).join("L")}`;
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      {pairs.map((kind, t) => (
        <line
          key={t}
          x1={16 + t * 14.8}
          x2={16 + t * 14.8}
          y1={46 - wave(t)}
          y2={46 + wave(t)}
          stroke={`var(${colors[kind]})`}
          stroke-width="4"
        />
      ))}
      {[-1, 1].map((side) => (
        <path key={side} d={strand(side)} fill="none" stroke="var(--soft)" stroke-width="2.5" />
      ))}
      {[0, 1, 2, 3, 4].map((codon) => (
        <rect
          key={codon}
          class={`life-codon life-codon-${codon}`}
          x={10 + codon * 44.4}
          y="92"
          width="40"
          height="12"
          rx="4"
        />
      ))}
      <rect class="life-window" x="10" y="10" width="62" height="72" rx="6" />
    </svg>
  );
}
