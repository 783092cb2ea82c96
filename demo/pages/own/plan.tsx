/** The plan as a picture: each buffer is a row from its first use to its last, each command a column with a dot on what it uses. */
import { Figure } from "../../shell/figure.tsx";
import { words } from "../../shell/language.ts";
import { type Measured, type PlanPicture, showBytes } from "./view.ts";

const text = words({
  title: ["The plan of a run", "실행 계획"],
  label: [
    "{buffers} buffers with {bytes}, used by {dispatches} dispatches and {copies} copies",
    "버퍼 {buffers}개({bytes}), 디스패치 {dispatches}번, 복사 {copies}번",
  ],
  hint: [
    "A row is a buffer, a column a command in the order of time. A dot marks a buffer that a command uses; the line goes from its first use to its last. Bars on the left show bytes, each step ten times as many.",
    "행은 버퍼, 열은 시간 순서의 명령입니다. 점은 명령이 쓰는 버퍼를 가리키고, 선은 처음 쓴 때부터 마지막까지 이어집니다. 왼쪽 막대는 바이트 수이며, 한 칸이 열 배입니다.",
  ],
  of: ["Planned for {backend}.", "{backend} 기준입니다."],
  cut: ["The first {count} commands are drawn.", "처음 {count}개 명령만 그렸습니다."],
  kernel: ["Kernel", "커널"],
  times: ["Dispatches", "디스패치 수"],
  memory: ["Memory on the device", "장치 메모리"],
  text: ["The plan as text", "실행 계획을 글로 보기"],
  parameter: ["weights", "가중치"],
  input: ["inputs", "입력"],
  output: ["outputs", "출력"],
  scratch: ["in between", "중간값"],
  derived: ["made from weights", "가중치에서 만든 값"],
  state: ["states", "상태"],
  moment: ["optimizer", "옵티마이저"],
  gradient: ["gradients", "기울기"],
  other: ["others", "그 밖"],
});

/** Colours of roles, in the order of the rows. */
const roles = {
  parameter: "accent",
  derived: "violet",
  input: "good",
  state: "violet",
  scratch: "soft",
  moment: "field-line",
  gradient: "field-line",
  output: "warm",
};
type Role = keyof typeof roles;
const isRole = (role: string): role is Role => role in roles;
const colorOf = (role: string) => `var(--${isRole(role) ? roles[role] : "soft"})`;
const nameOf = (role: string) => text(isRole(role) ? role : "other");

const ROW = 17;
const MOST_ROWS = 40;
const [LABELS, BYTES, WIDTH] = [190, 56, 900];

function Picture({ picture, label }: { readonly picture: PlanPicture; readonly label: string }) {
  const order = Object.keys(roles);
  const rows = picture.buffers
    .map((buffer, at) => ({
      ...buffer,
      used: picture.commands.flatMap(({ uses }, column) => (uses.includes(at) ? [column] : [])),
    }))
    .filter(({ used }) => used.length > 0)
    .sort((a, b) => order.indexOf(a.role) - order.indexOf(b.role) || a.used[0]! - b.used[0]!)
    .slice(0, MOST_ROWS);
  const left = LABELS + BYTES + 14;
  const step = Math.min(26, (WIDTH - left - 8) / Math.max(1, picture.commands.length));
  const x = (column: number) => left + (column + 0.5) * step;
  return (
    <svg class="own-plan" viewBox={`0 0 ${WIDTH} ${rows.length * ROW + 8}`} role="img" aria-label={label}>
      {rows.map(({ name, role, bytes, used }, row) => {
        const y = 4 + (row + 0.5) * ROW;
        return (
          <g key={row} fill={colorOf(role)} stroke={colorOf(role)}>
            <text x={LABELS} y={y + 4} text-anchor="end" stroke="none">
              {name.length > 28 ? `…${name.slice(-27)}` : name}
            </text>
            <rect
              x={LABELS + 6}
              y={y - 4}
              width={Math.min(BYTES, 8 * Math.log10(1 + bytes))}
              height="8"
              stroke="none"
            />
            <line x1={x(used[0]!)} x2={x(used.at(-1)!)} y1={y} y2={y} stroke-width="2" opacity="0.4" />
            {used.map((column) => (
              <circle key={column} cx={x(column)} cy={y} r={Math.min(4.5, step / 2.2)} stroke="none" />
            ))}
          </g>
        );
      })}
    </svg>
  );
}

export function PlanOf({ measured }: { readonly measured: Measured }) {
  const { counts, picture, text: printed, memory, backend } = measured;
  const bytes = Object.values(memory!).reduce((sum, n) => sum + n, 0);
  const label = text("label", {
    buffers: picture!.buffers.length,
    bytes: showBytes(counts!.totalBytes),
    dispatches: counts!.dispatches,
    copies: counts!.copies,
  });
  const table = () => ({
    head: [text("kernel"), text("times")],
    rows: Object.entries(counts!.perKernel).map(([kernel, count]) => [kernel, count] as const),
  });
  const shown = picture!.commands.length;
  const all = counts!.dispatches + counts!.copies + counts!.clears;
  const name = { cpu: "float64", wasm: "WebAssembly", gpu: "WebGPU" }[backend];
  return (
    <section class="card stack">
      <Figure
        title={text("title")}
        hint={[text("hint"), text("of", { backend: name }), shown < all && text("cut", { count: shown })]
          .filter(Boolean)
          .join(" ")}
        table={table}
      >
        <p id="planCounts">{label}</p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys */}
        <section class="own-scroll" tabIndex={0} aria-label={text("title")}>
          <Picture picture={picture!} label={label} />
        </section>
      </Figure>
      <h2>{text("memory")}</h2>
      <div class="own-memory" aria-hidden="true">
        {Object.entries(memory!).map(([role, part]) => (
          <i key={role} style={{ flexGrow: part, background: colorOf(role) }} />
        ))}
      </div>
      <ul class="own-roles">
        {Object.entries(memory!).map(([role, part]) => (
          <li key={role}>
            <i style={{ background: colorOf(role) }} /> {nameOf(role)}: {showBytes(part)}
          </li>
        ))}
        <li>
          <strong>{showBytes(bytes)}</strong>
        </li>
      </ul>
      <details class="behind">
        <summary>{text("text")}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys */}
        <pre class="scroll mono own-printed" lang="en" tabIndex={0}>
          {printed}
        </pre>
      </details>
    </section>
  );
}
