/** The network's cell and sizes, and its files. */
import { type Signal, useSignal } from "@preact/signals";
import { number, words } from "../../shell/language.ts";
import { cells, fields, load, training } from "./state.ts";

const text = words({
  title: ["Network", "신경망"],
  cell: ["Cell", "셀"],
  lstm: [
    "LSTM: three gates and a separate cell state, which carries what should be remembered for long.",
    "LSTM: 게이트 세 개와 별도의 셀 상태가 있어, 오래 기억할 것을 셀 상태에 담아 둡니다.",
  ],
  gru: [
    "GRU: two gates and one state; fewer weights than an LSTM and often just as good.",
    "GRU: 게이트 두 개와 상태 하나. LSTM보다 가중치가 적지만 성능은 대개 비슷합니다.",
  ],
  rnn_tanh: [
    "RNN with tanh: the plain recurrence of 1990. Its memory fades within a few words.",
    "RNN(tanh): 1990년의 단순한 순환 구조. 몇 단어만 지나도 기억이 흐려집니다.",
  ],
  rnn_relu: [
    "RNN with ReLU: no upper bound on the state, so clipping the gradient matters most here.",
    "RNN(ReLU): 상태에 상한이 없어 기울기 제한이 특히 중요합니다.",
  ],
  units: ["Units", "유닛 수"],
  layers: ["Layers", "층 수"],
  steps: ["Steps", "단계 수"],
  endless: ["until paused", "멈출 때까지"],
  more: ["More settings", "자세한 설정"],
  embedding: ["Embedding", "임베딩 크기"],
  window: ["Window", "구간 길이"],
  batch: ["Batch (rows)", "배치 크기"],
  rate: ["Learning rate", "학습률"],
  clip: ["Clip gradient at", "기울기 제한"],
  off: ["no limit", "제한 없음"],
  hint: [
    "Gradients flow back through one window of characters; the state itself is carried on. A change begins anew; steps count from the next start.",
    "기울기는 한 구간 안에서만 거슬러 흐르고, 상태는 다음 구간으로 이어집니다. 설정을 바꾸면 처음부터 다시 학습하며, 단계 수는 다음 시작부터 적용됩니다.",
  ],
  save: ["Save model", "모델 저장"],
  load: ["Load model…", "모델 불러오기…"],
  saveHint: [
    "A .safetensors file with the weights under PyTorch’s names, the optimizer’s state and the alphabet.",
    "PyTorch 이름을 쓴 가중치, 최적화 상태, 글자 목록을 담은 .safetensors 파일입니다.",
  ],
  loaded: ["Loaded {name}.", "{name} 모델을 불러왔습니다."],
  refused: ["That is no model of this page, or it is damaged.", "이 페이지의 모델 파일이 아니거나 손상된 파일입니다."],
  unsaved: ["It could not be saved.", "저장하지 못했습니다."],
});

const names = { lstm: "LSTM", gru: "GRU", rnn_tanh: "RNN tanh", rnn_relu: "RNN ReLU" } as const;
export const cellName = (cell: keyof typeof names) => names[cell];

interface Choice {
  readonly values: readonly number[];
  /** Words for 0. */
  readonly zero?: "endless" | "off";
}

const main = {
  units: { values: [16, 32, 64, 128, 256, 512] },
  layers: { values: [1, 2, 3] },
  steps: { values: [100, 300, 600, 2000, 10_000, 0], zero: "endless" },
} satisfies Record<string, Choice>;
const more = {
  embedding: { values: [8, 16, 32, 64, 128] },
  window: { values: [8, 16, 32, 64, 128] },
  batch: { values: [1, 4, 8, 16, 32, 64] },
  rate: { values: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02] },
  clip: { values: [0.25, 0.5, 1, 5, 0], zero: "off" },
} satisfies Record<string, Choice>;
type Field = keyof typeof main | keyof typeof more;

function Select({ name, choice }: { readonly name: Field; readonly choice: Choice }) {
  const field = fields[name] as Signal<number>;
  // A model of a file may have another.
  const values = choice.values.includes(field.value) ? choice.values : [...choice.values, field.value];
  const said = (value: number) =>
    value > 1e6 ? String(value) : number(value, String(value).split(".")[1]?.length ?? 0);
  return (
    <label class="field">
      <span>{text(name)}</span>
      <select
        id={`field-${name}`}
        value={String(field.value)}
        onChange={({ currentTarget }) => {
          field.value = Number(currentTarget.value);
        }}
      >
        {values.map((value) => (
          <option key={value} value={String(value)}>
            {value === 0 && choice.zero ? text(choice.zero) : said(value)}
          </option>
        ))}
      </select>
    </label>
  );
}

const Selects = ({ choices }: { readonly choices: Readonly<Partial<Record<Field, Choice>>> }) => (
  <div class="fields">
    {Object.entries(choices).map(([name, choice]) => (
      <Select key={name} name={name as Field} choice={choice} />
    ))}
  </div>
);

export function NetworkCard() {
  const cell = fields.cell.value;
  return (
    <section class="card stack">
      <h2>{text("title")}</h2>
      <fieldset class="cells">
        <legend>{text("cell")}</legend>
        {cells.map((known) => (
          <label key={known}>
            <input
              type="radio"
              name="cell"
              value={known}
              checked={known === cell}
              onChange={() => {
                fields.cell.value = known;
              }}
            />
            <span class="pill">{cellName(known)}</span>
          </label>
        ))}
      </fieldset>
      <p class="hint">{text(cell)}</p>
      <Selects choices={main} />
      <details class="more">
        <summary>{text("more")}</summary>
        <Selects choices={more} />
        <p class="hint">{text("hint")}</p>
      </details>
      <Files />
    </section>
  );
}

type Told = { readonly key: "loaded" | "refused" | "unsaved"; readonly name: string; readonly detail: string };

function Files() {
  const told = useSignal<Told | undefined>(undefined);
  const save = async () => {
    try {
      const saved = await training.ask("save", null);
      if (saved) download(saved.bytes, saved.name);
      told.value = undefined;
    } catch (error) {
      told.value = { key: "unsaved", name: "", detail: (error as Error).message };
    }
  };
  const take = async (file: File | undefined) => {
    if (!file) return;
    const { name } = file;
    try {
      await load(file);
      told.value = { key: "loaded", name, detail: "" };
    } catch (error) {
      told.value = { key: "refused", name, detail: (error as Error).message };
    }
  };
  const there = training.step.value > 0 || training.phase.value === "done";
  return (
    <>
      <div class="row">
        <button type="button" id="save" disabled={!there || training.phase.value === "failed"} onClick={save}>
          {text("save")}
        </button>
        <label class="file">
          <input
            type="file"
            id="load"
            accept=".safetensors"
            onChange={({ currentTarget }) => {
              void take(currentTarget.files?.[0]);
              currentTarget.value = "";
            }}
          />
          <span class="button">{text("load")}</span>
        </label>
      </div>
      <div role="status" id="told">
        {told.value && <p class="hint warn">{text(told.value.key, { name: told.value.name })}</p>}
        {told.value?.detail && (
          <p class="detail" lang="en">
            {told.value.detail}
          </p>
        )}
      </div>
      <p class="hint">{text("saveHint")}</p>
    </>
  );
}

function download(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  // The browser reads the address after this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
