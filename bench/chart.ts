// npm run bench -- --chart RESULTS: what --json wrote, as one picture. Written by hand: it is a few dots on one scale, and chart
// libraries that draw without a page bring a copy of its document along.

/** A record of a measurement, of those that the bench writes. */
interface Measured {
  readonly name: string;
  /** Where it ran, in a run on several backends. */
  readonly backend?: string;
  readonly variant?: string;
  readonly isChosen?: boolean;
  readonly median: number;
}

/** Places in the picture, in its own units. */
const [LEFT, WIDTH, RIGHT, ROW, TOP] = [460, 400, 110, 16, 48];
/** Ratios where the scale has lines, each twice the one before. */
const marks = [0.5, 1, 2, 4, 8, 16, 32, 64, 128];

/** Where a ratio stands; those beyond the ends stand there. */
const placeOf = (ratio: number): number => {
  const share = Math.log2(ratio / marks[0]!) / (marks.length - 1);
  return LEFT + WIDTH * Math.min(1, Math.max(0, share));
};

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);

const STYLE = `text { font: 11px system-ui, sans-serif; fill: #24292f; }
line { stroke: #d0d7de; }
circle { fill: #8c959f; }
.reference { fill: #0969da; }
rect { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  line { stroke: #30363d; }
  circle { fill: #848d97; }
  .reference { fill: #4493f8; }
  rect { fill: #0d1117; }
}`;

const milliseconds = (median: number): string => `${median < 10 ? median.toPrecision(3) : median.toFixed(1)} ms`;

/** A case: its measurements are compared with what is chosen, or what ran first. */
function rowOf(name: string, all: readonly Measured[], y: number): string {
  const reference = all.find(({ isChosen }) => isChosen) ?? all[0]!;
  const dot = (one: Measured, kind: string) => {
    const ratio = one.median / reference.median;
    const what = [one.variant, one.backend].filter(Boolean).join(" ");
    const title = `${what} ${milliseconds(one.median)}, ${ratio.toFixed(2)} times`;
    return `<circle ${kind}cx="${placeOf(ratio).toFixed(1)}" cy="${y}" r="4"><title>${escaped(title)}</title></circle>`;
  };
  return [
    `<text x="${LEFT - 10}" y="${y + 4}" text-anchor="end">${escaped(name)}</text>`,
    // The reference lies on top of what takes just as long.
    ...all.filter((one) => one !== reference).map((one) => dot(one, "")),
    dot(reference, 'class="reference" '),
    `<text x="${LEFT + WIDTH + 12}" y="${y + 4}">${milliseconds(reference.median)}</text>`,
  ].join("");
}

function recordOf(line: string, i: number): Measured {
  try {
    return JSON.parse(line) as Measured;
  } catch (cause) {
    throw new Error(`line ${i + 1} is no record; npm run bench -- --json FILE writes one a line`, { cause });
  }
}

/**
 * @param lines records as JSON, one a line
 * @returns an SVG with a row for each case and a dot for each of its measurements
 * @throws Error where nothing was measured, or a line is no JSON
 */
export function chartOf(lines: string): string {
  const records = lines
    .split("\n")
    .filter((line) => line !== "")
    .map(recordOf)
    .filter(({ name, median }) => typeof name === "string" && typeof median === "number");
  if (records.length === 0) throw new Error("there is no measurement; npm run bench -- --json FILE writes some");
  const cases = new Map<string, Measured[]>();
  for (const record of records) cases.set(record.name, [...(cases.get(record.name) ?? []), record]);
  const bottom = TOP + cases.size * ROW;
  const grid = marks.map(
    (mark) =>
      `<line x1="${placeOf(mark)}" x2="${placeOf(mark)}" y1="${TOP - 6}" y2="${bottom}"/><text x="${placeOf(mark)}" y="${TOP - 12}" text-anchor="middle">${mark}</text>`,
  );
  const rows = [...cases].map(([name, all], i) => rowOf(name, all, TOP + (i + 0.5) * ROW));
  const [width, height] = [LEFT + WIDTH + RIGHT, bottom + 10];
  const heading = records.some(({ isChosen }) => isChosen)
    ? "time of each variant by that of the one that is taken (blue), whose median stands on the right"
    : "time of each backend by that of the first (blue), whose median stands on the right";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">
<title>${heading}</title>
<style>${STYLE}</style>
<rect width="${width}" height="${height}"/>
<text x="10" y="16">${heading}</text>
${[...grid, ...rows].join("\n")}
</svg>
`;
}
