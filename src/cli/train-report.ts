import { SingleBar } from "cli-progress";
import { nameOfAdapter } from "../adapter/adapter-info.ts";
import { runningOn } from "./backend.ts";
import type { CheckRecord } from "./check-step.ts";
import { clock, fold, grouped, printable, short, type Terminal, wrap } from "./terminal.ts";
import type { Reporter, StartRecord, StepRecord, TrainRecord } from "./train-records.ts";

/** Seconds between two lines where there is no progress bar. */
const LINE_EVERY = 10;

/**
 * Tells a person about a training: lines on `out`, and under them a progress bar on `screen` where both are terminals;
 * else a plain line every so often.
 */
export function textReporter(out: Terminal, screen: Terminal, now: () => number = () => performance.now()): Reporter {
  const { colors } = out;
  const bar = out.interactive && screen.interactive ? new ProgressBar(screen) : undefined;
  let steps = 0;
  let lastLine = Number.NEGATIVE_INFINITY;

  const tell = (text: string) => {
    bar?.hide();
    out.line(text);
  };
  const shown: { [K in TrainRecord["type"]]: (record: Extract<TrainRecord, { type: K }>) => void } = {
    check(record) {
      tell(wrap(checkLine(record), Math.min(out.columns, 120)));
    },
    start(record) {
      steps = record.steps;
      bar?.start(record.step, steps);
      for (const line of heading(record)) tell(wrap(line, Math.min(out.columns, 120)));
    },
    step(record) {
      if (bar) return bar.show(record);
      if (now() - lastLine < LINE_EVERY * 1000 && record.step < steps) return;
      lastLine = now();
      out.line(`step ${record.step}/${steps}${figures(record, 80)}`);
    },
    validation({ step, loss, bitsPerCharacter }) {
      const measured = colors.bold(`validation ${bitsPerCharacter.toFixed(3)} bits per character`);
      tell(`step ${step}: ${measured} (loss ${loss.toFixed(4)})`);
    },
    sample({ step, prompt, text }) {
      tell(`${colors.cyan(step >= steps ? "sample:" : `sample after step ${step}:`)}`);
      const body = printable(prompt + text, out).replace(/^\n+/, "");
      tell(colors.dim(fold(body, out.columns - 4).replace(/^/gm, "  | ")));
    },
    checkpoint({ step, path, bytes }) {
      tell(`saved step ${step} to ${path} (${short(bytes)}B)`);
    },
    warning({ message }) {
      tell(`${colors.yellow("warning:")} ${message}`);
    },
    end({ step, interrupted, seconds, checkpoint, resume }) {
      const what = interrupted ? `stopped after step ${step}` : `finished ${step} steps`;
      const where = checkpoint === undefined ? "nothing new was trained, nothing was saved" : `saved to ${checkpoint}`;
      tell(`${colors.green(what)} in ${clock(seconds)}; ${where}`);
      if (resume) tell(`${interrupted ? "go on with" : "try"}: ${colors.bold(resume)}`);
    },
    error({ checkpoint }) {
      // The message itself goes to the standard error output.
      bar?.hide();
      if (checkpoint) tell(`the last good checkpoint is ${checkpoint.path} (step ${checkpoint.step})`);
    },
  };
  return {
    report: (record) => (shown[record.type] as (record: TrainRecord) => void)(record),
    close: () => bar?.hide(),
  };
}

function heading({ config, parameters, reason, backend, text, training, ...record }: StartRecord): string[] {
  const { cell, embeddingDim, hiddenSize, numLayers, vocabSize } = config;
  const { name, ...options } = training.optimizer;
  const given = Object.entries(options).map(([option, value]) => ` ${option} ${value}`);
  const layers = numLayers === 1 ? "1 layer" : `${numLayers} layers`;
  const epochs = record.steps / record.stepsPerEpoch;
  const validation = record.validationCharacters
    ? `, validation on ${grouped(record.validationCharacters)}`
    : ", no validation";
  return [
    runningOn({ backend, reason, tuned: record.tuned }),
    `model ${cell}, embedding ${embeddingDim}, hidden ${hiddenSize}, ${layers}: ${grouped(parameters)} numbers`,
    `text ${text.name} (${text.files} ${text.files === 1 ? "file" : "files"}): ${grouped(text.characters)} characters, ${grouped(vocabSize)} different${validation}`,
    `training step ${record.step + 1} to ${record.steps} (${epochs.toPrecision(2)} epochs), window ${training.window}, batch ${training.batch}, ${name}${given.join(",")}, into ${record.out}`,
  ];
}

function checkLine({ adapter, loss, gradients, reason }: CheckRecord): string {
  if (!loss || !gradients) return `no training step was checked on WebGPU: ${reason}`;
  const both = `loss ${loss.gpu.toFixed(5)} and ${loss.wasm.toFixed(5)}`;
  const how = `${gradients.difference.toExponential(1)} at most, where the largest is ${gradients.largest.toPrecision(2)}`;
  return `checked a training step on ${nameOfAdapter(adapter!)} against WebAssembly: ${both}, gradients differ by ${how}`;
}

/** A step's figures, as many as fit, the most important first. */
function figures(record: StepRecord, columns: number): string {
  let line = "";
  for (const figure of [
    `loss ${record.loss.toFixed(3)} (${record.bitsPerCharacter.toFixed(2)} bpc)`,
    `norm ${short(record.gradNorm)}`,
    `${clock(record.secondsLeft ?? Number.NaN)} left`,
    `${short(record.tokensPerSecond)} tok/s`,
  ]) {
    if (line.length + 2 + figure.length > columns) break;
    line += `  ${figure}`;
  }
  return line;
}

/** The progress bar's line; narrower than the terminal, whose last column makes some go to the next line. */
export function barLine(record: StepRecord, steps: number, terminal: Pick<Terminal, "columns" | "colors">): string {
  const { colors } = terminal;
  const columns = terminal.columns - 1;
  const count = `${String(record.step).padStart(String(steps).length)}/${steps}`;
  const text = figures(record, columns - count.length - 7);
  const width = Math.min(30, columns - count.length - text.length - 1);
  const done = Math.round((width * record.step) / steps);
  const drawn = width < 4 ? "" : ` ${colors.green("█".repeat(done))}${colors.dim("░".repeat(width - done))}`;
  return `${count}${drawn}${text}`;
}

/** One line at the bottom that is redrawn; it goes away while something else is printed. */
class ProgressBar {
  readonly #terminal: Terminal;
  #bar: SingleBar | undefined;
  #step = 0;
  #steps = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  start(step: number, steps: number): void {
    this.hide();
    this.#step = step;
    this.#steps = steps;
  }

  show(record: StepRecord): void {
    this.#step = record.step;
    if (!this.#bar) {
      this.#bar = new SingleBar({
        stream: process.stderr,
        clearOnComplete: true,
        linewrap: null,
        format: (_options: unknown, _params: unknown, payload: { record?: StepRecord }) =>
          payload.record ? barLine(payload.record, this.#steps, this.#terminal) : "",
      } as unknown as ConstructorParameters<typeof SingleBar>[0]);
      this.#bar.start(this.#steps, this.#step, { record });
    } else this.#bar.update(this.#step, { record });
  }

  hide(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}
