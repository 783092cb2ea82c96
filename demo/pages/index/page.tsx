import type { FunctionComponent } from "preact";
import { type GalleryPage, pages, start } from "../../pages.ts";
import { deviceName, deviceReason } from "../../shell/device.tsx";
import { addressOf, show } from "../../shell/gallery.tsx";
import { inLanguage, words } from "../../shell/language.ts";
import { LiveTraining } from "../../shell/live-training.ts";
import { settings } from "../../shell/settings.ts";
import { sizes } from "./program.ts";
import "./page.css";

const text = words({
  device: ["What this device can do", "이 기기의 성능"],
  measuring: ["Measuring for a second…", "1초 동안 재는 중…"],
  measured: [
    "{count} training steps a second, of an LSTM with {H} units over {T} time steps and {B} sequences.",
    "초당 학습 {count}단계: 유닛 {H}개짜리 LSTM, 시점 {T}개, 시퀀스 {B}개 기준.",
  ],
  failed: ["The measurement failed: {reason}", "측정하지 못했습니다: {reason}"],
  again: ["Measure again", "다시 재기"],
  path: ["A path through the pages", "페이지를 따라가는 길"],
  all: ["All pages", "모든 페이지"],
  learners: ["For learners", "배우는 사람"],
  engineers: ["For engineers", "개발자"],
  allHint: ["From the idea to its uses.", "개념부터 쓰임새까지 차례로 놓았습니다."],
  learnersHint: [
    "From one neuron that hears itself to networks that translate: each page needs only those before it.",
    "자기 출력을 다시 듣는 뉴런 하나에서 번역하는 신경망까지, 앞 페이지만 알면 다음 페이지를 이해할 수 있습니다.",
  ],
  engineersHint: [
    "What you can build with the library, each with the program behind it.",
    "이 라이브러리로 만들 수 있는 것들입니다. 페이지마다 그 뒤의 프로그램이 함께 있습니다.",
  ],
  examples: ["Programs to start from", "출발점이 될 프로그램"],
  examplesHint: [
    "Eight small programs, from a classifier to a training that is saved and resumed. They run in the page.",
    "분류기부터 저장했다가 이어 가는 학습까지, 작은 프로그램 여덟 개를 페이지에서 바로 실행합니다.",
  ],
});

const paths = ["all", "learners", "engineers"] as const;
type Path = (typeof paths)[number];
const { path } = settings({ path: "all" as Path }, { path: paths });

const miniatures = import.meta.glob<FunctionComponent>("../*/miniature.tsx", { import: "default", eager: true });

const measuring = new LiveTraining<undefined, { readonly perSecond: number }>(start.name, () => undefined);

function Device() {
  const [info, failure, phase] = [measuring.info.value, measuring.failure.value, measuring.phase.value];
  const perSecond = measuring.view.value?.perSecond;
  const { H, T, B } = sizes;
  return (
    <section class="card index-device">
      <div>
        <h2>{text("device")}</h2>
        <p>
          <strong>{deviceName(info)}</strong>
        </p>
        {info && <p class="hint">{deviceReason(info)}</p>}
      </div>
      <div role="status" data-phase={phase}>
        {failure ? (
          <p>{text("failed", { reason: failure.message })}</p>
        ) : perSecond === undefined ? (
          <p>{text("measuring")}</p>
        ) : (
          <p>{text("measured", { count: Math.round(perSecond), H, T, B })}</p>
        )}
      </div>
      <button type="button" disabled={phase !== "done" && phase !== "failed"} onClick={() => measuring.start()}>
        {text("again")}
      </button>
    </section>
  );
}

function Paths() {
  return (
    <fieldset class="cells index-paths">
      <legend>{text("path")}</legend>
      {paths.map((known) => (
        <label key={known}>
          <input
            type="radio"
            name="path"
            value={known}
            checked={path.value === known}
            onChange={() => {
              path.value = known;
            }}
          />
          <span class="pill">{text(known)}</span>
        </label>
      ))}
      <p class="hint">{text(`${path.value}Hint`)}</p>
    </fieldset>
  );
}

function Card({ page }: { readonly page: GalleryPage }) {
  const Miniature = miniatures[`../${page.name}/miniature.tsx`];
  return (
    <li class="card">
      {/* The whole card is the link's, and its name is the title. */}
      <div class="index-miniature" aria-hidden="true">
        {Miniature && <Miniature />}
      </div>
      <h2>
        <a href={addressOf(page)}>{inLanguage(page.title)}</a>
      </h2>
      <p>{inLanguage(page.about)}</p>
    </li>
  );
}

function Page() {
  const shown = pages.filter((page) => path.value === "all" || page.for === undefined || page.for === path.value);
  return (
    <main id="content" tabIndex={-1}>
      <Device />
      <Paths />
      <ol class="index-cards">
        {shown.map((page) => (
          <Card key={page.name} page={page} />
        ))}
      </ol>
      <section class="card">
        <h2>
          <a href="./examples/index.html">{text("examples")}</a>
        </h2>
        <p>{text("examplesHint")}</p>
      </section>
    </main>
  );
}

show(start.name, Page);
