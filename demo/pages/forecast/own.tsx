import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { number, words } from "../../shell/language.ts";
import {
  type Chosen,
  type Csv,
  type CsvError,
  exampleCsv,
  MOST_CHARACTERS,
  MOST_ROWS,
  numericColumns,
  readCsv,
  type SeriesOfCsv,
  seriesOf,
} from "./csv.ts";
import { given } from "./live.ts";

const text = words({
  file: ["Open a CSV file", "CSV 파일 열기"],
  paste: [
    "Or paste one here: a header, and a row for each step of time",
    "또는 여기에 붙여 넣기: 첫 줄은 열 이름, 그다음은 시점마다 한 줄",
  ],
  hint: [
    "The text here is a made-up example. Rows at the end without a value are those to come. Your data stays in this page.",
    "지금 들어 있는 글은 지어낸 예시입니다. 끝에서 값이 비어 있는 행은 앞으로 올 행입니다. 데이터는 이 페이지를 떠나지 않습니다.",
  ],
  target: ["Column to forecast", "예측할 열"],
  season: ["Rows in a season", "한 계절의 행 수"],
  horizon: ["Rows ahead", "앞으로 예측할 행 수"],
  known: ["Known ahead, such as a weekday", "미리 아는 열(요일 등)"],
  large: [
    "The text has more than {most} characters, which this page does not take.",
    "글이 {most}자를 넘어서 이 페이지에서는 읽을 수 없습니다.",
  ],
  empty: ["There is no row below the header.", "열 이름 아래에 행이 없습니다."],
  single: [
    "There is one column only, and it has no numbers. Are the cells separated by commas, semicolons or tabs?",
    "열이 하나뿐이고 숫자가 없습니다. 칸이 쉼표나 세미콜론, 탭으로 나뉘어 있나요?",
  ],
  cells: ["Line {line} has another number of cells than the header.", "{line}번째 줄의 칸 수가 첫 줄과 다릅니다."],
  quotes: [
    "Near line {line}, a quotation mark is opened and not closed, or stands inside a cell.",
    "{line}번째 줄 근처에 닫히지 않았거나 칸 가운데에 있는 따옴표가 있습니다.",
  ],
  other: ["The text could not be read at line {line}: {detail}", "{line}번째 줄을 읽을 수 없습니다: {detail}"],
  noNumbers: [
    "No column has numbers to forecast. Numbers are written like 12.5, without separators of thousands.",
    "숫자로 된 열이 없어 예측할 것이 없습니다. 숫자는 12.5처럼 천 단위 구분 없이 써야 합니다.",
  ],
  unreadable: [
    "{count} cells are no numbers, and are filled from those beside them: {cells}.",
    "숫자가 아닌 칸 {count}개는 이웃한 값으로 채웠습니다: {cells}.",
  ],
  unreadableCell: ["row {row}, {column}: “{cell}”", "{row}행 {column}: ‘{cell}’"],
  gaps: ["{count} empty cells are filled from those beside them.", "빈칸 {count}개는 이웃한 값으로 채웠습니다."],
  cut: ["Of {count} rows, the last {most} are taken.", "전체 {count}행 가운데 마지막 {most}행만 썼습니다."],
  short: [
    "There are {count} rows, and {needed} are needed to learn to see {horizon} rows ahead. Take fewer rows ahead, a shorter season, or a longer series.",
    "행이 {count}개인데, {horizon}행 앞을 배우려면 {needed}개가 필요합니다. 예측할 행이나 계절을 줄이거나 더 긴 데이터를 쓰세요.",
  ],
  read: ["{count} rows read.", "{count}행을 읽었습니다."],
});

/** How many cells are named of those that cannot be read. */
const NAMED = 3;

/** What there is to say of a table and the columns chosen, and the series where there is one. */
function judged(
  csv: Csv | undefined,
  chosen: Chosen,
): { readonly said: readonly string[]; readonly made?: SeriesOfCsv } {
  if (!csv) return { said: [] };
  if (chosen.target === "") return { said: [text("noNumbers")] };
  const made = seriesOf(csv, chosen);
  const { series, unreadable, gaps, needed } = made;
  const cells = unreadable
    .slice(0, NAMED)
    .map(({ row, column, cell }) => text("unreadableCell", { row, column, cell }));
  const more = unreadable.length > NAMED ? ", …" : "";
  const isShort = series.length < needed;
  const said = [
    isShort
      ? text("short", { count: series.length, needed, horizon: chosen.horizon })
      : text("read", { count: series.length }),
    ...(csv.rows.length > MOST_ROWS ? [text("cut", { count: csv.rows.length, most: MOST_ROWS })] : []),
    ...(cells.length > 0 ? [text("unreadable", { count: unreadable.length, cells: cells.join(", ") + more })] : []),
    ...(gaps > unreadable.length ? [text("gaps", { count: gaps - unreadable.length })] : []),
  ];
  return { said, ...(!isShort && { made }) };
}

const counts = [
  ["season", 1, 60],
  ["horizon", 1, 60],
] as const;

export function Own() {
  const source = useSignal(exampleCsv());
  const csv = useSignal<Csv | undefined>(undefined);
  const trouble = useSignal<CsvError | undefined>(undefined);
  const chosen = useSignal<Chosen>({ target: "", known: [], season: 7, horizon: 7 });

  const read = source.value;
  useEffect(() => {
    let isOver = false;
    readCsv(read).then(
      (table) => {
        if (isOver) return;
        const numeric = numericColumns(table);
        const { target, known } = chosen.value;
        chosen.value = {
          ...chosen.value,
          target: numeric.includes(target) ? target : (numeric[0] ?? ""),
          known: known.filter((name) => table.columns.includes(name)),
        };
        [csv.value, trouble.value] = [table, undefined];
      },
      (error: unknown) => {
        if (!isOver) [csv.value, trouble.value] = [undefined, error as CsvError];
      },
    );
    return () => {
      isOver = true;
    };
  }, [read]);

  const { said, made } = judged(csv.value, chosen.value);
  useEffect(() => {
    if (made) given.own.value = made.series;
  }, [csv.value, chosen.value]);

  const open = async (file: File | undefined) => {
    if (!file) return;
    // What is too large is not even loaded.
    source.value = file.size > 4 * MOST_CHARACTERS ? "x".repeat(MOST_CHARACTERS + 1) : await file.text();
  };
  const { kind, line, message } = trouble.value ?? {};
  return (
    <div class="stack">
      <label class="file">
        <span class="button">{text("file")}</span>
        <input
          id="file"
          type="file"
          accept=".csv,.tsv,.txt"
          onChange={({ currentTarget }) => open(currentTarget.files?.[0])}
        />
      </label>
      <label class="field">
        <span>{text("paste")}</span>
        <textarea
          id="csv"
          class="mono"
          rows={5}
          value={source.value.length > MOST_CHARACTERS ? "" : source.value}
          onChange={({ currentTarget }) => {
            source.value = currentTarget.value;
          }}
        />
      </label>
      <p class="hint">{text("hint")}</p>
      {csv.value && chosen.value.target !== "" && <Columns csv={csv.value} chosen={chosen} />}
      <p id="csvSaid" role="status">
        {kind ? text(kind, { line: line ?? 0, most: number(MOST_CHARACTERS), detail: message ?? "" }) : said.join(" ")}
      </p>
    </div>
  );
}

/** Not a text that is another one in each row, such as a date, which says nothing of rows to come. */
const canBeKnown = (csv: Csv, name: string): boolean =>
  numericColumns(csv).includes(name) || new Set(csv.rows.map((row) => row[name])).size <= 30;

function Columns({ csv, chosen }: { readonly csv: Csv; readonly chosen: { value: Chosen } }) {
  const { target, known } = chosen.value;
  const numeric = numericColumns(csv);
  return (
    <>
      <div class="fields">
        <label class="field">
          <span>{text("target")}</span>
          <select
            id="target"
            value={target}
            onChange={({ currentTarget: { value } }) => {
              chosen.value = { ...chosen.value, target: value, known: known.filter((name) => name !== value) };
            }}
          >
            {numeric.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        {counts.map(([name, min, max]) => (
          <label key={name} class="field">
            <span>{text(name)}</span>
            <input
              id={name}
              type="number"
              min={min}
              max={max}
              value={chosen.value[name]}
              onChange={({ currentTarget }) => {
                const value = Math.max(min, Math.min(max, Math.round(currentTarget.valueAsNumber || min)));
                currentTarget.value = String(value);
                chosen.value = { ...chosen.value, [name]: value };
              }}
            />
          </label>
        ))}
      </div>
      <fieldset class="cells">
        <legend>{text("known")}</legend>
        {csv.columns
          .filter((name) => name !== target && canBeKnown(csv, name))
          .map((name) => (
            <label key={name}>
              <input
                type="checkbox"
                value={name}
                checked={known.includes(name)}
                onChange={({ currentTarget: { checked } }) => {
                  const others = known.filter((one) => one !== name);
                  chosen.value = { ...chosen.value, known: checked ? [...others, name] : others };
                }}
              />
              <span class="pill">{name}</span>
            </label>
          ))}
      </fieldset>
    </>
  );
}
