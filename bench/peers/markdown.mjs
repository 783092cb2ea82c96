// Recorded results as the tables of bench/README.md.

const number = (value) => (value >= 1000 ? value.toFixed(0) : value < 0.1 ? value.toFixed(3) : value.toPrecision(3));
const row = (cells) => `| ${cells.join(" | ")} |`;
const table = (head, rows) => [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");

/** @param records of one run, as main.mjs writes them */
export function markdownOf(records) {
  const of = (type) => records.filter((record) => record.type === type);
  const [{ ours, processor, cores, load, node, date, commit, adapter, contenders }] = of("machine");
  const results = of("result");
  const refused = of("refused");
  const names = Object.keys(contenders).filter((name) => results.some(({ contender }) => contender === name));
  const find = (all, work, name) => all.find((result) => result.work === work && result.contender === name);
  const inSteps = results.some(({ steps }) => steps !== undefined);

  const cell = (work, name) => {
    const result = find(results, work, name);
    if (!result) return find(refused, work, name) ? "refused" : "";
    const { median, steps, ratio } = result;
    const time = number(inSteps ? (1000 * median) / steps : median);
    return name === ours ? time : `${time} (${ratio.toFixed(2)})`;
  };
  const works = [...new Set(results.map(({ work }) => work))];
  const unit = inSteps ? "µs a step" : "milliseconds";
  const times = table(
    [`${unit} by the clock (ratio to ours)`, ...names.map((name) => (name === ours ? "ours" : name))],
    works.map((work) => [work, ...names.map((name) => cell(work, name))]),
  );
  const targets = table(
    ["work", "against", "to reach", "by the clock", "by the processor's time"],
    of("target").map(({ what, against, wanted, each, got, least, gotCpu, leastCpu }) => {
      const aim = `${wanted}${each === undefined ? "" : `, each ${each}`}`;
      const shown = (value, goal) => (value >= goal ? value.toFixed(2) : `**${value.toFixed(2)}**`);
      const range = (mean, low) => `${shown(mean, wanted)}${low === mean ? "" : `, least ${shown(low, each ?? 0)}`}`;
      return [what, against, aim, range(got, least), gotCpu === undefined ? "" : range(gotCpu, leastCpu)];
    }),
  );
  const where = adapter ? `${adapter.description}; ` : "";
  const others = names.filter((name) => name !== ours);
  const versions = others.map((name) => contenders[name]).join(", ");
  const machine = `${where}${cores} cores of ${processor}, load ${load?.toFixed(1) ?? "unknown"} at the beginning, Node ${node}, ${date.slice(0, 10)}, commit ${commit.replace(/^(.{12})[^+]*/, "$1")}. ${versions}.`;
  return [machine, times, ...(of("target").length > 0 ? [targets] : [])].join("\n\n");
}
