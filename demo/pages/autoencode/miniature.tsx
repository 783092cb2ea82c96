import "./miniature.css";

const two = "M4 16C8 2 34 0 36 16S12 46 4 56c12-3 24-2 38 0";

/** A stroke goes into two points, and comes out of them again. */
export default function Miniature() {
  return (
    <svg viewBox="0 0 240 120" aria-hidden="true">
      <path class="autoencode-mini-funnel" d="M78 22 112 50v20L78 98zM162 22 128 50v20l34 28z" />
      <path class="autoencode-mini" d={two} transform="translate(20 30)" />
      <circle class="autoencode-mini-dot" cx="120" cy="53" r="5" />
      <circle class="autoencode-mini-dot" cx="120" cy="68" r="5" />
      <path class="autoencode-mini autoencode-mini-back" d={two} transform="translate(178 30)" />
    </svg>
  );
}
