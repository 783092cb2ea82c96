import { computed, effect, signal, useSignal } from "@preact/signals";
import { Choice } from "../../shell/choice.tsx";
import { deviceName } from "../../shell/device.tsx";
import { show } from "../../shell/gallery.tsx";
import { words } from "../../shell/language.ts";
import { Lesson } from "../../shell/lesson.tsx";
import { Charts } from "./charts.tsx";
import { Found } from "./found.tsx";
import { backend, backends, cell, measuring, results, set, sets } from "./measuring.ts";
import program from "./program.ts?raw";
import { reportOf } from "./report.ts";
import { Roofline } from "./roofline.tsx";
import { cells } from "./tasks.ts";
import "./page.css";

const text = words({
  backend: ["Where", "어디서"],
  auto: ["automatic", "자동"],
  gpu: ["GPU (WebGPU)", "GPU(WebGPU)"],
  wasm: ["CPU (WebAssembly)", "CPU(WebAssembly)"],
  cell: ["Network", "신경망"],
  lstm: ["LSTM", "LSTM"],
  gru: ["GRU", "GRU"],
  rnn: ["RNN", "RNN"],
  set: ["Sizes", "크기"],
  small: ["small, some 10 seconds", "작게, 10초쯤"],
  large: ["large, a minute or more", "크게, 1분 넘게"],
  where: ["Measured on: {device}.", "측정 장치: {device}."],
  threads: ["Threads: {count}.", "스레드: {count}개."],
  json: ["The measurements as JSON", "측정값(JSON)"],
  copy: ["Copy as JSON", "JSON 복사"],
  copied: ["Copied", "복사했습니다"],
  jsonHint: [
    "With date, device, versions and the name of the browser. It stays on this device until you copy it.",
    "날짜, 장치, 버전, 브라우저 이름이 함께 들어 있습니다. 복사하기 전에는 이 기기 밖으로 나가지 않습니다.",
  ],
});

const explanation = [
  "Each result is first compared with float64: what is wrong is not timed. Each time is a median of several rounds.\nThe roofline (Williams, Waterman and Patterson, 2009) shows what limits a computation. Further right, it does more operations for each byte that it reads or writes; further up, more operations per second. The flat roof is the speed of arithmetic, the slope that of memory, dashed where data is too large for a cache; all are measured here. A recurrent layer needs its weights R at every time step. For one sequence, each weight serves just two operations, so memory sets the pace. In a larger batch, all rows share the weights: the points move right and up.",
  "모든 결과는 먼저 float64와 비교하고, 틀리면 시간을 재지 않습니다. 시간은 여러 번 잰 값의 중앙값입니다.\n루프라인(Williams, Waterman, Patterson 2009)은 무엇이 계산 속도를 막는지 보여 줍니다. 점이 오른쪽에 있을수록 읽고 쓰는 1바이트당 연산이 많고, 위에 있을수록 1초에 하는 연산이 많습니다. 평평한 지붕은 연산의 속도, 비스듬한 선은 메모리의 속도이며, 점선은 캐시에 들어가지 않는 큰 데이터의 속도입니다. 모두 여기서 잰 값입니다. 순환층은 시점마다 가중치 R이 필요합니다. 시퀀스가 하나면 가중치 하나로 연산을 두 번만 하므로 메모리가 속도를 정합니다. 배치가 커지면 모든 행이 가중치를 함께 쓰므로 점이 오른쪽 위로 옮겨 갑니다.",
] as const;

const saying = {
  training: ["Measuring", "재는 중"],
  done: ["Measured", "다 쟀습니다"],
  progress: ["{step} of {steps} measurements", "{steps}가지 가운데 {step}가지"],
} as const;

/** Not where the browser has no WebGPU, or was once asked for an adapter in vain: who looks for none is not told of it. */
const hasGpu = signal("gpu" in navigator);
effect(() => {
  if (measuring.info.value?.candidates.at(-1)?.outcome === "no adapter") hasGpu.value = false;
});
const offered = computed(() => backends.filter((known) => known !== "gpu" || hasGpu.value || backend.value === "gpu"));

function Controls() {
  const info = measuring.info.value;
  return (
    <section class="card speed-controls">
      <Choice legend={text("backend")} name="backend" values={offered.value} chosen={backend} labelOf={text} />
      <Choice legend={text("cell")} name="cell" values={cells} chosen={cell} labelOf={text} />
      <Choice legend={text("set")} name="set" values={sets} chosen={set} labelOf={text} />
      <p class="hint" id="where">
        {text("where", { device: deviceName(info) })}{" "}
        {info?.threads !== undefined && text("threads", { count: info.threads })}
      </p>
    </section>
  );
}

const report = computed(() => {
  const [all, info] = [results.value, measuring.info.value];
  return all.length > 0 && info ? JSON.stringify(reportOf(all, info, new Date()), undefined, 2) : undefined;
});

function Json() {
  const isCopied = useSignal(false);
  const isOpen = useSignal(false);
  const copy = async () => {
    await navigator.clipboard.writeText(report.value!);
    isCopied.value = true;
    setTimeout(() => {
      isCopied.value = false;
    }, 2000);
  };
  return (
    <section class="card stack">
      <div class="row between">
        <h2>{text("json")}</h2>
        {/* An insecure page has no clipboard; the text can be copied there. */}
        {navigator.clipboard && (
          <button type="button" id="copyJson" disabled={report.value === undefined} onClick={copy}>
            {text(isCopied.value ? "copied" : "copy")}
          </button>
        )}
      </div>
      <p class="hint">{text("jsonHint")}</p>
      <details
        onToggle={({ currentTarget }) => {
          isOpen.value = currentTarget.open;
        }}
      >
        <summary id="showJson">JSON</summary>
        {isOpen.value && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys
          <section class="speed-json" tabIndex={0} aria-label="JSON">
            <pre id="json" lang="en">
              {report.value}
            </pre>
          </section>
        )}
      </details>
    </section>
  );
}

function Page() {
  return (
    <Lesson training={measuring} saying={saying} hasSpeed={false} explanation={explanation} program={program}>
      <Controls />
      <div class="speed-top">
        <section class="card">
          <Roofline />
        </section>
        <Found />
      </div>
      <Charts />
      <Json />
    </Lesson>
  );
}

show("speed", Page);
