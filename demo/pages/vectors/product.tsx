/** A word's vector, found in two ways: its one-hot vector times the matrix, and the row of the matrix. */
import { Figure } from "../../shell/figure.tsx";
import { number, words } from "../../shell/language.ts";
import { tinted } from "../../shell/sequence.tsx";
import { oneHot, times } from "./one-hot.ts";

const text = words({
  title: ["One-hot and embedding: the same product", "원-핫과 임베딩: 같은 곱"],
  hint: [
    "Each column is a word. The one-hot vector has a 1 in one place, and the product keeps that column and loses all others.",
    "한 칸이 한 단어입니다. 원-핫 벡터는 한 자리만 1이어서, 곱하면 그 자리의 벡터만 남고 나머지는 사라집니다.",
  ],
  word: ["Word", "단어"],
  picture: [
    "One-hot vector of {word}: 1 in place {place} of {size}, 0 elsewhere. Below, the matrix E with a column of two numbers for each word.",
    "{word}의 원-핫 벡터: {size}자리 중 {place}번째만 1이고 나머지는 0. 그 아래에는 단어마다 두 수가 있는 행렬 E.",
  ],
  oneHot: ["one-hot", "원-핫"],
  first: ["E₁", "E₁"],
  second: ["E₂", "E₂"],
  product: ["One-hot × E", "원-핫 × E"],
  lookup: ["Embedding: place {place} of E", "임베딩: E의 {place}번째"],
  multiplications: ["{count} multiplications", "곱셈 {count}번"],
  none: ["no multiplication", "곱셈 없음"],
});

export interface ProductProps {
  readonly words: readonly string[];
  /** E: a vector for each word. */
  readonly vectors: readonly (readonly number[])[];
  readonly chosen: number;
  readonly onChoose: (index: number) => void;
}

const shown = (vector: readonly number[]) => `(${vector.map((value) => number(value, 2)).join(", ")})`;

export function Product({ words: all, vectors, chosen, onChoose }: ProductProps) {
  const hot = oneHot(all.length, chosen);
  const place = chosen + 1;
  const table = () => ({
    head: [text("word"), text("oneHot"), text("first"), text("second")],
    rows: all.map((word, i) => [word, hot[i]!, ...vectors[i]!.map((value) => number(value, 2))]),
  });
  const rows = [
    { name: text("oneHot"), values: hot, color: (value: number) => (value === 1 ? "var(--ink)" : "var(--field)") },
    ...[text("first"), text("second")].map((name, d) => ({
      name,
      values: vectors.map((vector) => vector[d]!),
      color: (value: number) => tinted(value / 2),
    })),
  ];
  return (
    <Figure title={text("title")} hint={text("hint")} table={table}>
      <label class="field vectors-word">
        <span>{text("word")}</span>
        <select
          id="word"
          value={String(chosen)}
          onChange={({ currentTarget }) => onChoose(Number(currentTarget.value))}
        >
          {all.map((word, i) => (
            <option key={word} value={String(i)}>
              {word}
            </option>
          ))}
        </select>
      </label>
      <div
        class="vectors-matrix"
        role="img"
        aria-label={text("picture", { word: all[chosen]!, place, size: all.length })}
      >
        {rows.map(({ name, values, color }) => (
          <div key={name}>
            <span>{name}</span>
            {values.map((value, i) => (
              <i key={all[i]} class={i === chosen ? "chosen" : undefined} style={{ background: color(value) }} />
            ))}
          </div>
        ))}
      </div>
      <dl class="vectors-results">
        <div>
          <dt>{text("product")}</dt>
          <dd id="product">{shown(times(hot, vectors))}</dd>
          <dd class="hint">{text("multiplications", { count: 2 * all.length })}</dd>
        </div>
        <div>
          <dt>{text("lookup", { place })}</dt>
          <dd id="lookup">{shown(vectors[chosen]!)}</dd>
          <dd class="hint">{text("none")}</dd>
        </div>
      </dl>
    </Figure>
  );
}
