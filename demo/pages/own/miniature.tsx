/** A file goes in; its matrices become a plan, whose commands run one after the other. */
import "./miniature.css";

/** Rows of buffers: where they are used first and last. */
const buffers = [
  [0, 7],
  [0, 1],
  [1, 3],
  [3, 5],
  [5, 7],
] as const;
const colors = ["--accent", "--good", "--soft", "--violet", "--warm"];
const x = (column: number) => 108 + column * 16;

export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      <path class="own-sheet" d="M16 16H52L66 30V104H16Z M52 16V30H66" />
      {[0, 1, 2, 3].map((row) => (
        <rect key={row} class="own-tensor" x="24" y={40 + row * 15} width={[34, 22, 34, 14][row]} height="8" rx="2" />
      ))}
      <path class="own-arrow" d="M74 60H92M86 54L92 60L86 66" />
      {buffers.map(([first, last], row) => (
        <g key={row} fill={`var(${colors[row]})`} stroke={`var(${colors[row]})`}>
          <line x1={x(first)} x2={x(last)} y1={20 + row * 20} y2={20 + row * 20} stroke-width="2" opacity="0.5" />
          {[first, last].map((column) => (
            <circle key={column} cx={x(column)} cy={20 + row * 20} r="5" />
          ))}
        </g>
      ))}
      <rect class="own-now" x={x(0) - 7} y="8" width="14" height="104" rx="4" />
    </svg>
  );
}
