/** A page that trains: its controls, the content, what happens here, and the same in code. */
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Device } from "./device.tsx";
import { type InBoth, inLanguage, type Values, words } from "./language.ts";
import { type LiveTraining, type Phase, speeds } from "./live-training.ts";

const text = words({
  opening: ["Looking for a GPU…", "GPU를 찾는 중…"],
  preparing: ["Preparing…", "준비 중…"],
  training: ["Training", "학습 중"],
  paused: ["Paused", "일시 정지됨"],
  done: ["Trained", "학습을 마쳤습니다"],
  failed: ["Stopped by an error", "오류로 멈췄습니다"],
  pause: ["Pause", "일시 정지"],
  continue: ["Continue", "계속"],
  startOver: ["Start over", "처음부터"],
  more: ["Train on", "더 학습"],
  oneStep: ["One step", "한 단계"],
  controls: ["Training", "학습 조작"],
  speed: ["Speed", "속도"],
  full: ["full", "최대"],
  perSecond: ["{count} per second", "초당 {count}단계"],
  seed: ["Seed", "시드"],
  copy: ["Copy link", "링크 복사"],
  copied: ["Copied", "복사했습니다"],
  progress: ["Step {step} of at most {steps}", "{step}단계, 최대 {steps}단계"],
  endless: ["Step {step}", "{step}단계"],
  what: ["What happens here", "여기서 일어나는 일"],
  code: ["The same in code", "같은 일을 코드로"],
  codeHint: ["This is the program that this page runs.", "이 페이지가 실행하는 프로그램 그대로입니다."],
  errorTitle: ["That did not work.", "잘되지 않았습니다."],
  DATA: ["The data does not fit the model.", "데이터가 모델에 맞지 않습니다."],
  DIVERGED: [
    "The loss is no longer a number. Try a smaller learning rate.",
    "손실이 더는 수가 아닙니다. 학습률을 낮춰 보세요.",
  ],
  DEVICE_LOST: [
    "The GPU went away (driver reset, or sleep). Start over when it is back.",
    "GPU가 사라졌습니다(드라이버 재시작이나 절전). 돌아오면 처음부터 다시 시작하세요.",
  ],
  FILE_FORMAT: [
    "The file is not a model of this page, or it is damaged.",
    "이 페이지의 모델 파일이 아니거나 손상된 파일입니다.",
  ],
  LIMIT: [
    "The network is too large for this GPU. Choose fewer units.",
    "이 GPU에는 신경망이 너무 큽니다. 유닛 수를 줄이세요.",
  ],
  WORKER: [
    "The worker that trains could not be started. This browser may be too old for module workers.",
    "학습을 맡을 워커를 시작할 수 없습니다. 모듈 워커를 지원하지 않는 오래된 브라우저일 수 있습니다.",
  ],
  other: [
    "Something unexpected happened; details below.",
    "예상하지 못한 일이 일어났습니다. 자세한 내용은 아래와 같습니다.",
  ],
});

const errors = ["DATA", "DIVERGED", "DEVICE_LOST", "FILE_FORMAT", "LIMIT", "WORKER"] as const;

// biome-ignore lint/suspicious/noExplicitAny: of any training
type AnyTraining = LiveTraining<any, any, any>;

const primary: Readonly<Record<Phase, "pause" | "continue" | "startOver">> = {
  ...{ opening: "pause", preparing: "pause", training: "pause", paused: "continue" },
  ...{ done: "startOver", failed: "startOver" },
};

type Controls = Pick<LessonProps, "training" | "seed" | "saying" | "hasSpeed" | "onStartOver" | "onMore">;

function Toolbar({ training, seed, saying = {}, hasSpeed = true, onStartOver, onMore }: Controls) {
  const phase = training.phase.value;
  const own = words(saying as Readonly<Record<string, InBoth>>);
  const say = (key: Phase | "progress" | "endless", values?: Values) => (key in saying ? own : text)(key, values);
  const next = phase === "done" && onMore ? "more" : primary[phase];
  const startOver = onStartOver ?? (() => training.start());
  const act = {
    pause: () => training.pause(),
    continue: () => training.continue(),
    startOver,
    more: () => onMore?.(),
  };
  return (
    <section class="toolbar" data-phase={phase} data-run={training.run.value} aria-label={text("controls")}>
      <div class="toolbar-inner">
        <button
          type="button"
          class="primary"
          id="primary"
          disabled={phase === "opening" || phase === "preparing"}
          onClick={act[next]}
        >
          {text(next)}
        </button>
        {next !== "startOver" && (
          <button type="button" id="startOver" onClick={startOver}>
            {text("startOver")}
          </button>
        )}
        {phase === "paused" && (
          <button type="button" id="oneStep" onClick={() => training.oneStep()}>
            {text("oneStep")}
          </button>
        )}
        {hasSpeed && (
          <label class="inline">
            <span>{text("speed")}</span>
            <select
              id="speed"
              value={String(training.speed.value)}
              onChange={({ currentTarget }) => {
                training.speed.value = Number(currentTarget.value);
              }}
            >
              {speeds.map((speed) => (
                <option key={speed} value={String(speed)}>
                  {Number.isFinite(speed) ? text("perSecond", { count: speed }) : text("full")}
                </option>
              ))}
            </select>
          </label>
        )}
        {seed && (
          <label class="inline">
            <span>{text("seed")}</span>
            <input
              id="seed"
              type="number"
              min="0"
              max="9999"
              value={seed.value}
              onChange={({ currentTarget }) => {
                seed.value = Math.max(0, Math.min(9999, Math.round(Number(currentTarget.value) || 0)));
                currentTarget.value = String(seed.value);
              }}
            />
          </label>
        )}
        <CopyLink />
        <p id="status" role="status">
          {say(phase)}
        </p>
        <p class="steps">
          {training.step.value > 0 &&
            say(training.steps.value > 0 ? "progress" : "endless", {
              step: training.step.value,
              steps: training.steps.value,
            })}
        </p>
        <Device info={training.info.value} />
      </div>
    </section>
  );
}

function CopyLink() {
  const isCopied = useSignal(false);
  const copy = async () => {
    // An insecure page has no clipboard; the address itself can be copied there.
    await navigator.clipboard?.writeText(location.href).then(
      () => {
        isCopied.value = true;
        setTimeout(() => {
          isCopied.value = false;
        }, 2000);
      },
      () => {},
    );
  };
  return (
    navigator.clipboard && (
      <button type="button" class="quiet" onClick={copy}>
        {text(isCopied.value ? "copied" : "copy")}
      </button>
    )
  );
}

function Failed({ training, wayOut }: Pick<LessonProps, "training" | "wayOut">) {
  const failure = training.failure.value;
  const known = errors.find((code) => code === failure?.code) ?? "other";
  return (
    <div class="notices" role="alert">
      {failure && (
        <div class="notice failure">
          <p>
            <strong>{text("errorTitle")}</strong> {text(known)}
          </p>
          <p class="detail" lang="en">
            {failure.message}
          </p>
          {wayOut && <div class="row failure-actions">{wayOut}</div>}
        </div>
      )}
    </div>
  );
}

export interface LessonProps {
  readonly training: AnyTraining;
  readonly seed?: Signal<number>;
  /** What phases are called where something else than a training goes on; of `progress` also with {step} and {steps} in it. */
  readonly saying?: Partial<Readonly<Record<Phase | "progress", InBoth>>>;
  /** Whether it can be slowed down; default true. */
  readonly hasSpeed?: boolean;
  /** Default: the training starts, with the settings as they are. */
  readonly onStartOver?: () => void;
  /** Goes on with a training that is done; without it there is only starting over. */
  readonly onMore?: (() => void) | undefined;
  /** What else than starting over can be done after a failure. */
  readonly wayOut?: ComponentChildren;
  /** At most 120 words. */
  readonly explanation: InBoth;
  /** The text of the program that the page's worker runs. */
  readonly program: string;
  readonly children: ComponentChildren;
}

/** The whole of a page that trains, under its header. */
export function Lesson({ explanation, program, children, wayOut, ...controls }: LessonProps) {
  return (
    <>
      <Toolbar {...controls} />
      <Failed training={controls.training} wayOut={wayOut} />
      <main id="content" tabIndex={-1}>
        {children}
        <section class="card explanation">
          <h2>{text("what")}</h2>
          {inLanguage(explanation)
            .split("\n")
            .map((paragraph) => (
              <p key={paragraph}>{paragraph}</p>
            ))}
        </section>
        <Code program={program} />
      </main>
    </>
  );
}

export function Code({ program }: { readonly program: string }) {
  return (
    <details class="card code">
      <summary>
        <h2>{text("code")}</h2>
      </summary>
      <p class="hint">{text("codeHint")}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keys */}
      <pre lang="en" tabIndex={0}>
        <code>{program.trim()}</code>
      </pre>
    </details>
  );
}
