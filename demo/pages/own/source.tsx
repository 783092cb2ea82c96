/** Which file is looked into: the reader's, or one that the page makes. */
import { useSignal } from "@preact/signals";
import { Choice } from "../../shell/choice.tsx";
import { words } from "../../shell/language.ts";
import { example, file, stepChoices, steps, training } from "./live.ts";

const text = words({
  open: ["Open a model file", "모델 파일 열기"],
  drop: ["Drop the file here", "여기에 파일을 놓으세요"],
  private: [
    "Weights as .safetensors or of PyTorch (.pt, .pth), or an .onnx graph. The file does not leave this device.",
    ".safetensors나 PyTorch(.pt, .pth) 가중치, .onnx 그래프를 엽니다. 파일은 이 기기 밖으로 나가지 않습니다.",
  ],
  example: ["Or a file that this page makes", "또는 이 페이지가 만드는 파일"],
  weights: ["weights of a small LSTM", "작은 LSTM의 가중치"],
  onnx: ["the same as ONNX", "같은 모델의 ONNX"],
  task: ["a trained tagger", "학습한 태거"],
  steps: ["Steps of the made-up input", "지어낸 입력의 단계 수"],
  back: ["Back to the example", "예시로 돌아가기"],
  save: ["Save the example’s file", "예시 파일 저장"],
});

/** Hands over what the page made, to be opened elsewhere. */
async function save() {
  const made = await training.ask("saved", undefined as never);
  if (!made) return;
  const address = URL.createObjectURL(new Blob([made.bytes]));
  const link = document.createElement("a");
  link.href = address;
  link.download = made.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export function BackToExample() {
  return (
    <button
      type="button"
      id="back"
      onClick={() => {
        file.value = undefined;
      }}
    >
      {text("back")}
    </button>
  );
}

export function Source() {
  const isOver = useSignal(false);
  const take = (files: FileList | null | undefined) => {
    const [one] = files ?? [];
    if (one) file.value = one;
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files are dropped on it; the button in it takes them as well
    <section
      class={`stack drop${isOver.value ? " over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        isOver.value = false;
        take(event.dataTransfer?.files);
      }}
    >
      <div class="row">
        <label class="file">
          <span class="button">{text("open")}</span>
          <input
            id="file"
            type="file"
            accept=".safetensors,.onnx,.pt,.pth,.bin,.ckpt"
            onChange={({ currentTarget }) => {
              take(currentTarget.files);
              // The same file may be chosen again, after it was changed.
              currentTarget.value = "";
            }}
          />
        </label>
        {file.value ? (
          <BackToExample />
        ) : (
          <button type="button" class="quiet" disabled={!training.view.value} onClick={save}>
            {text("save")}
          </button>
        )}
      </div>
      <p class="hint">{text("private")}</p>
      <div class="own-choices">
        {!file.value && (
          <Choice
            legend={text("example")}
            name="example"
            values={["weights", "onnx", "task"] as const}
            chosen={example}
            labelOf={text}
          />
        )}
        <Choice legend={text("steps")} name="steps" values={stepChoices} chosen={steps} labelOf={(count) => count} />
      </div>
      <p class="drop-sign" aria-hidden="true">
        {text("drop")}
      </p>
    </section>
  );
}
