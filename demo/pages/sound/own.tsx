/** The reader's own: a sound or the microphone, and the files of published networks. */
import { computed } from "@preact/signals";
import { words } from "../../shell/language.ts";
import { LineChart } from "../../shell/line-chart.tsx";
import type { Files } from "./listening.ts";
import {
  files,
  listenTo,
  listenToFile,
  listenToMicrophone,
  MOST_SECONDS,
  refused,
  running,
  sound,
  stopListening,
} from "./own-sound.ts";
import { level } from "./samples.ts";
import { decibels, Spectrogram } from "./spectrogram.tsx";
import { FrameTime } from "./tiles.tsx";

const text = words({
  title: ["Your own sound", "여러분의 소리"],
  private: [
    "The first {seconds} seconds are used. Sound and files stay on this device.",
    "처음 {seconds}초까지 씁니다. 소리와 파일은 이 기기를 떠나지 않습니다.",
  ],
  file: ["Open a sound file", "소리 파일 열기"],
  microphone: ["Microphone", "마이크"],
  stop: ["Stop", "멈추기"],
  mixture: ["The mixture above", "위의 섞은 소리"],
  networks: ["Networks of your files", "파일로 여는 신경망"],
  model1: ["DTLN model_1.onnx", "DTLN model_1.onnx"],
  model2: ["DTLN model_2.onnx", "DTLN model_2.onnx"],
  speech: ["Silero VAD .onnx", "Silero VAD .onnx"],
  from: [
    "DTLN, trained on real speech, replaces the network above when both of its files are open: pretrained_model of github.com/breizhn/DTLN. Silero VAD tells when somebody speaks: silero_vad_16k_op15.onnx of github.com/snakers4/silero-vad. Both have the MIT licence.",
    "실제 말소리로 학습한 DTLN은 두 파일을 모두 열면 위의 신경망을 대신합니다. github.com/breizhn/DTLN의 pretrained_model에 있습니다. Silero VAD는 누가 말하고 있는지 알려 줍니다. github.com/snakers4/silero-vad의 silero_vad_16k_op15.onnx입니다. 둘 다 MIT 라이선스입니다.",
  ],
  withTrained: ["Cleaned by the network above", "위의 신경망이 걸러 낸 소리"],
  withPublished: ["Cleaned by DTLN", "DTLN이 걸러 낸 소리"],
  noisy: ["As it came in", "들어온 소리"],
  before: ["Level, before", "처리 전 세기"],
  after: ["Level, after", "처리 후 세기"],
  chart: ["Probability of speech", "말소리일 확률"],
  probability: ["probability", "확률"],
  seconds: ["Seconds", "초"],
  empty: [
    "Nothing yet: choose a sound. The network above cleans it, even without files.",
    "아직 없습니다. 소리를 고르세요. 파일이 없어도 위의 신경망이 걸러 줍니다.",
  ],
  error: ["That did not work.", "잘되지 않았습니다."],
});

/** Of a window of Silero VAD, 512 samples. */
const WINDOW = 0.032;
const speech = computed(() =>
  (sound.value?.speech ?? []).map((probability, i) => ({ at: (i + 1) * WINDOW, probability })),
);

/** A button that opens a file. */
function Opener({
  id,
  label,
  accept,
  onFile,
}: {
  readonly id: string;
  readonly label: string;
  readonly accept: string;
  readonly onFile: (file: File) => void;
}) {
  return (
    <label class="file">
      <span class="button">{label}</span>
      <input
        id={id}
        type="file"
        accept={accept}
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          if (file) onFile(file);
          // The same file may be chosen again, after it was changed.
          currentTarget.value = "";
        }}
      />
    </label>
  );
}

const roles = ["model1", "model2", "speech"] as const;

export function Own({ mixture }: { readonly mixture?: Float32Array<ArrayBuffer> }) {
  const found = sound.value;
  const isListening = running.value === "microphone";
  const open = (role: keyof Files, file: File) => {
    files.value = { ...files.value, [role]: file };
    const { model1, model2 } = files.value;
    const again = sound.value?.noisy ?? mixture;
    // What was heard last, once more: with the networks of the files.
    if (again && (role === "speech" || (model1 && model2))) void listenTo(again);
  };
  return (
    <section class="card stack">
      <h2>{text("title")}</h2>
      <div class="row">
        <Opener id="soundFile" label={text("file")} accept="audio/*,.wav,.mp3,.ogg,.flac" onFile={listenToFile} />
        <button
          type="button"
          id="microphone"
          aria-pressed={isListening}
          onClick={() => void (isListening ? stopListening() : listenToMicrophone())}
        >
          {isListening ? `■ ${text("stop")}` : text("microphone")}
        </button>
        <button type="button" id="again" disabled={!mixture} onClick={() => void listenTo(mixture!)}>
          {text("mixture")}
        </button>
      </div>
      <p class="hint">{text("private", { seconds: MOST_SECONDS })}</p>
      <fieldset class="sound-files">
        <legend>{text("networks")}</legend>
        <div class="row">
          {roles.map((role) => (
            <div key={role} class="sound-file">
              <Opener id={role} label={text(role)} accept=".onnx" onFile={(file) => open(role, file)} />
              <span class="hint">{files.value[role]?.name ?? "–"}</span>
            </div>
          ))}
        </div>
      </fieldset>
      <p class="hint">{text("from")}</p>
      <div role="alert">
        {refused.value !== undefined && (
          <div class="notice failure" id="refused">
            <p>
              <strong>{text("error")}</strong>
            </p>
            <p class="detail" lang="en">
              {refused.value}
            </p>
          </div>
        )}
      </div>
      {found ? (
        <div class="stack" id="own" data-running={running.value ?? "done"} data-published={found.isPublished}>
          <dl class="tiles">
            <div>
              <dt>{text("before")}</dt>
              <dd id="levelBefore">{decibels(level(found.noisy))}</dd>
            </div>
            <div>
              <dt>{text("after")}</dt>
              <dd id="levelAfter">{decibels(level(found.cleaned))}</dd>
            </div>
            <FrameTime milliseconds={found.milliseconds / found.frames} />
          </dl>
          <div class="charts">
            {(["noisy", "cleaned"] as const).map((name) => (
              <Spectrogram
                key={name}
                name={`own-${name}`}
                title={text(name === "noisy" ? "noisy" : found.isPublished ? "withPublished" : "withTrained")}
                samples={found[name]}
                columns={found.columns[name]}
                seconds={Math.max(3, found.noisy.length / 16_000)}
              />
            ))}
            {found.speech.length > 0 && (
              <LineChart
                title={text("chart")}
                points={speech}
                x="at"
                xLabel={text("seconds")}
                lines={[{ key: "probability", label: text("probability"), color: "warm" }]}
                low={0}
                high={1}
              />
            )}
          </div>
        </div>
      ) : (
        <p class="empty">{text("empty")}</p>
      )}
    </section>
  );
}
