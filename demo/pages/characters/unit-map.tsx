/** The states over the text that was written: a column for each character, a row for each unit. */
import { HeatMap } from "../../shell/heat-map.tsx";
import { number, words } from "../../shell/language.ts";
import { layer, map, place, stateName, unit, visible } from "./looking.ts";
import { sample } from "./state.ts";

const text = words({
  title: ["What the state does", "상태의 움직임"],
  hint: [
    "Each column is a character that was read, with the character under it; each row is a unit. Pointing at a row colours the text above by that unit.",
    "열은 읽은 글자이고 아래에 그 글자가 있습니다. 행은 유닛입니다. 행을 가리키면 그 유닛의 값으로 위의 글에 색을 입힙니다.",
  ],
  soon: ["The map appears with the first text.", "첫 글이 나오면 상태를 그립니다."],
  state: ["State", "상태"],
  h: ["Hidden state h", "은닉 상태 h"],
  c: ["Cell state c", "셀 상태 c"],
  layer: ["Layer", "층"],
  readout: [
    "Read {read}, then wrote {wrote}. Unit {unit}: {state} = {value}",
    "{read} 다음에 {wrote} 씀. 유닛 {unit}: {state} = {value}",
  ],
  read: ["Read", "읽은 글자"],
  wrote: ["Wrote", "쓴 글자"],
});

/** As tall as all units together may be, in CSS pixels, and as wide as a character. */
const [LEAST, MOST, WIDTH] = [160, 320, 13];

export function UnitMap() {
  const [shown, now] = [map.value, sample.value];
  if (!shown || !now)
    return (
      <section class="card stack">
        <h2>{text("title")}</h2>
        <p class="empty">{text("soon")}</p>
      </section>
    );
  const { values, name, limit } = shown;
  const height = Math.min(MOST, Math.max(LEAST, 5 * values.length));
  const chosen = unit.value ?? 0;
  return (
    <section class="card stack">
      <HeatMap
        title={text("title")}
        hint={text("hint")}
        values={values}
        rows={values.map((_, row) => number(row + 1))}
        columns={now.read.map((character) => (character === "\n" ? "↵" : character === " " ? "␣" : character))}
        limit={limit}
        rowHeight={height / values.length}
        columnWidth={WIDTH}
        place={place}
        readout={({ row, column }, value) =>
          text("readout", {
            read: visible(now.read[column]!),
            wrote: visible(now.written[column]!),
            unit: row + 1,
            state: name,
            value: number(value, 3),
          })
        }
        table={() => ({
          head: [text("read"), text("wrote"), `${name}, ${number(chosen + 1)}`],
          rows: now.read.map((read, k) => [visible(read), visible(now.written[k]!), number(values[chosen]![k]!, 3)]),
        })}
      />
      <div class="row">
        {"c" in now.states && (
          <fieldset class="cells">
            <legend>{text("state")}</legend>
            {(["h", "c"] as const).map((known) => (
              <label key={known}>
                <input
                  type="radio"
                  name="state"
                  value={known}
                  checked={known === name}
                  onChange={() => {
                    stateName.value = known;
                  }}
                />
                <span class="pill">{text(known)}</span>
              </label>
            ))}
          </fieldset>
        )}
        {now.layers > 1 && (
          <label class="field narrow">
            <span>{text("layer")}</span>
            <select
              id="layer"
              value={String(shown.layer)}
              onChange={({ currentTarget }) => {
                layer.value = Number(currentTarget.value);
              }}
            >
              {Array.from({ length: now.layers }, (_, i) => (
                <option key={i} value={String(i)}>
                  {number(i + 1)}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
    </section>
  );
}
