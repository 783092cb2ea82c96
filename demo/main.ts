/** The page: passes what the user does to the worker, and what the worker reports to the parts of the page. */
import type { RuntimeInfo } from "../src/index.ts";
import { element, say } from "./elements.ts";
import { buildFields, nameFields, presetFields, readFields, showFields } from "./fields.ts";
import { language, number, onLanguage, setLanguage, startLanguage, text } from "./language.ts";
import type { Failure, ModelReport, Phase, Report, Request } from "./messages.ts";
import { Progress } from "./progress.ts";
import { Samples } from "./samples.ts";
import { type Language, languages, type TextKey } from "./strings.ts";
import { countText, currentText, startTextSource } from "./text-source.ts";

const primary = element("primary", HTMLButtonElement);
const startOver = element("startOver", HTMLButtonElement);
const save = element("save", HTMLButtonElement);
const write = element("write", HTMLButtonElement);
const goBack = element("goBack", HTMLButtonElement);
const load = element("load", HTMLInputElement);
const temperature = element("temperature", HTMLInputElement);
const prompt = element("prompt", HTMLInputElement);

let phase: Phase = "opening";
let info: RuntimeInfo | undefined;
let model: ModelReport | undefined;
let failure: { readonly key: TextKey; readonly detail: string; readonly values?: Record<string, string> } | undefined;
let back: Failure | undefined;

buildFields();
startLanguage();
const progress = new Progress();
const samples = new Samples();
const worker = startWorker();
const ask = (request: Request, transfer: Transferable[] = []) => worker.postMessage(request, transfer);

function startWorker(): Worker {
  const started = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "training" });
  started.addEventListener("message", ({ data }: MessageEvent<Report>) => receive(data));
  started.addEventListener("error", (event) => {
    event.preventDefault();
    fail("errorWorker", event.message ?? "");
  });
  return started;
}

function receive(report: Report): void {
  if (report.type === "opened") opened(report.info);
  else if (report.type === "phase") enter(report.phase);
  else if (report.type === "points") progress.add(report.points, report.charactersPerSecond);
  else if (report.type === "model") {
    model = report.model;
    progress.begin(model);
    samples.begin(model);
    if (model.name !== undefined) showFields(model.settings);
    showControls();
  } else if (report.type === "sample") {
    samples.add(report.sample);
    if (report.sample.heldOutBits !== undefined) progress.heldOut(report.sample.heldOutBits);
  } else if (report.type === "saved") download(report.bytes, report.name);
  else failed(report.failure);
}

function opened(found: RuntimeInfo): void {
  const first = info === undefined;
  info = found;
  if (first) {
    presetFields(found);
    enter("ready");
  }
  showDevice();
}

function enter(next: Phase): void {
  phase = next;
  if (next === "training" || next === "preparing") clearFailure();
  showControls();
}

/** The button that is next, and what can be done now. */
function showControls(): void {
  const running = phase === "training" || phase === "preparing";
  const learns = model !== undefined && model.stepsPerEpoch > 0;
  const goesOn = learns && (phase === "paused" || phase === "done");
  primary.textContent = text(running ? "pause" : goesOn ? "continue" : "train");
  primary.disabled = phase === "opening";
  startOver.hidden = !goesOn;
  save.disabled = model === undefined || phase === "failed";
  write.disabled = model === undefined || phase === "failed";
  goBack.hidden = back?.lastGood === undefined;
  goBack.textContent = text(back?.code === "DIVERGED" ? "goBackSlower" : "goBack", { step: back?.lastGood ?? 0 });
  const words: Readonly<Record<Phase, TextKey>> = {
    opening: "openingRuntime",
    ready: "stateReady",
    preparing: "statePreparing",
    training: "stateTraining",
    paused: learns ? "statePaused" : "stateLoaded",
    done: "stateDone",
    failed: "stateFailed",
  };
  say(element("status"), text(words[phase]));
  document.body.dataset.phase = phase;
}

const whys: Readonly<Record<string, TextKey>> = {
  taken: "whyTaken",
  "no adapter": "whyNoAdapter",
  missing: "whyMissing",
  software: "whySoftware",
};

function showDevice(): void {
  if (!info) return;
  const { backend, adapter, reason } = info;
  const name =
    adapter &&
    (adapter.description || adapter.device || [adapter.vendor, adapter.architecture].filter(Boolean).join(" "));
  const onGpu = adapter?.software ? "runsOnSoftware" : "runsOnGpu";
  const key = backend === "gpu" ? onGpu : backend === "wasm" ? "runsOnWasm" : "runsOnCpu";
  const device = element("device");
  say(device, text(key, { name: name || "WebGPU" }));
  // The library says it in English; the ways that a browser knows have words of their own.
  const known = whys[info.candidates.at(-1)?.outcome ?? ""];
  const why = text("why", { reason: known ? text(known) : reason });
  device.title = why;
  const notice = element("notice");
  notice.hidden = backend === "gpu" && !adapter?.software;
  const [words, detail] = notice.querySelectorAll("p");
  words!.textContent = text(backend === "gpu" ? "softwareGpu" : backend === "wasm" ? "noGpu" : "noWasm");
  detail!.textContent = why;
}

const errorWords: Readonly<Record<string, TextKey>> = {
  DATA: "errorData",
  DIVERGED: "errorDiverged",
  DEVICE_LOST: "errorDeviceLost",
  FILE_FORMAT: "errorFile",
  STATE_DICT: "errorFile",
  LIMIT: "errorLimit",
};

function failed(reported: Failure): void {
  back = reported;
  fail(errorWords[reported.code] ?? "errorOther", reported.message);
}

function fail(key: TextKey, detail: string, values?: Record<string, string>): void {
  failure = { key, detail, ...(values ? { values } : {}) };
  showFailure();
}

function clearFailure(): void {
  failure = back = undefined;
  showFailure();
}

function showFailure(): void {
  element("failure").hidden = failure === undefined;
  say(element("failureText"), failure ? text(failure.key, failure.values) : "");
  say(element("failureDetail"), failure?.detail ?? "");
  showControls();
}

function start(): void {
  clearFailure();
  foldSettings();
  ask({ type: "start", settings: readFields(), text: currentText() });
}

/** On a narrow screen the settings stand before the results, and make room for them. */
function foldSettings(): void {
  if (!matchMedia("(max-width: 899px)").matches) return;
  for (const id of ["textCard", "modelCard"]) element(id, HTMLDetailsElement).open = false;
}

function download(bytes: Uint8Array<ArrayBuffer>, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  // The browser reads the address after this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function sampling(): void {
  const value = Number(temperature.value);
  element("temperatureValue").textContent = number(value, 2);
  ask({ type: "sampling", sampling: { temperature: value, prompt: prompt.value } });
}

function showLanguage(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === language()));
  nameFields();
  countText();
  showDevice();
  showFailure();
  element("temperatureValue").textContent = number(Number(temperature.value), 2);
}

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-language]"))
  button.addEventListener("click", () => {
    const chosen = languages.find((known) => known === button.dataset.language) as Language;
    setLanguage(chosen);
  });
primary.addEventListener("click", () => {
  if (phase === "training" || phase === "preparing") ask({ type: "pause" });
  else if (model && model.stepsPerEpoch > 0 && (phase === "paused" || phase === "done")) ask({ type: "continue" });
  else start();
});
startOver.addEventListener("click", start);
save.addEventListener("click", () => ask({ type: "save" }));
write.addEventListener("click", () => ask({ type: "sample" }));
goBack.addEventListener("click", () => {
  clearFailure();
  ask({ type: "goBack" });
});
element("dismiss").addEventListener("click", clearFailure);
load.addEventListener("change", async () => {
  const file = load.files?.[0];
  load.value = "";
  if (!file) return;
  clearFailure();
  const bytes = new Uint8Array(await file.arrayBuffer());
  ask({ type: "load", bytes, name: file.name, text: currentText(), steps: readFields().steps }, [bytes.buffer]);
});
temperature.addEventListener("input", sampling);
prompt.addEventListener("input", sampling);
element("settings").addEventListener("submit", (event) => event.preventDefault());

onLanguage(showLanguage);
startTextSource((key, name) => fail(key, "", { name }));
showLanguage();
sampling();
// An address that ends in ?backend=gpu insists on WebGPU, and takes a software adapter, too.
const wanted = new URLSearchParams(location.search).get("backend");
const insisted = (["gpu", "wasm", "cpu"] as const).find((backend) => backend === wanted);
ask({ type: "open", backend: insisted ?? "auto" });
