/** What the page about characters has of its own, without a browser: its text, its search for units, and its worker. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { correlation, following, indicate, weightsOf } from "../../demo/pages/characters/follow.ts";
import { makeText } from "../../demo/pages/characters/grammar.ts";
import { onlyKnown, rowsOf } from "../../demo/pages/characters/resume.ts";
import type { Sample, Saved, Settings, Summary } from "../../demo/pages/characters/worker.ts";
import type { Message, Request } from "../../demo/shell/messages.ts";
import { readSafetensors, Vocabulary, writeSafetensors } from "../../src/index.ts";

describe("the made-up text", () => {
  test("is as long as was asked for, the same every time, and of the language that was asked for", () => {
    for (const which of ["english", "korean", "both"] as const) {
      const text = makeText(which, 5000);
      expect(text.length).toBeGreaterThanOrEqual(5000);
      expect(text.length).toBeLessThan(5300);
      expect(makeText(which, 5000)).toBe(text);
      expect(/[a-z]/.test(text)).toBe(which !== "korean");
      expect(/[가-힣]/.test(text)).toBe(which !== "english");
    }
  });

  test("chooses Korean particles by the sound before them", () => {
    const text = makeText("korean", 30_000);
    for (const right of ["할머니는", "말은", "고양이가", "곰이", "등불을", "배를", "바다로", "산으로", "마을로"])
      expect(text).toContain(right);
    for (const wrong of ["할머니은", "곰가", "등불를", "산로", "마을으로"]) expect(text).not.toContain(wrong);
  });
});

describe("the search for units", () => {
  const characters = [..."ab c.\nd"];

  test("knows where words, spaces and line ends are", () => {
    expect([...indicate(characters, "words")]).toEqual([1, 2, 0, 1, 0, 0, 1]);
    expect([...indicate(characters, "spaces")]).toEqual([0, 0, 1, 0, 0, 0, 0]);
    expect([...indicate(characters, "lines")]).toEqual([0, 0, 0, 0, 0, 1, 0]);
    expect([...indicate([..."가나 3"], "words")]).toEqual([1, 2, 0, 1]);
  });

  test("correlates: by hand, and places that are rare count as much as the others", () => {
    const even = [0.25, 0.25, 0.25, 0.25];
    expect(correlation([1, 2, 3, 4], [2, 4, 6, 8], even)).toBeCloseTo(1, 12);
    expect(correlation([1, 2, 3, 4], [1, 0, 0, 1], even)).toBeCloseTo(0, 12);
    // Means 2.5 and 0.25: (0.25·4 − 0.625) / √(1.25 · 0.1875).
    expect(correlation([1, 2, 3, 4], [0, 0, 0, 1], even)).toBeCloseTo(0.375 / Math.sqrt(1.25 * 0.1875), 12);
    expect(correlation([1, 1, 1, 1], [0, 0, 0, 1], even)).toBe(0);
    expect([...weightsOf(Float64Array.of(0, 0, 1, 0))]).toEqual([1 / 6, 1 / 6, 1 / 2, 1 / 6]);
    // Where nothing is to be followed, nothing is found.
    const none = indicate([..."abc"], "lines");
    expect(correlation([1, 2, 3], none, weightsOf(none))).toBe(0);
  });

  test("finds the unit that was planted, whichever way round, before those by chance", () => {
    const spaces = indicate(characters, "spaces");
    // Unit 0 wavers, unit 1 falls at a space, unit 2 stands still.
    const states = characters.flatMap((_, t) => [Math.sin(t), spaces[t]! > 0 ? -0.8 : 0.1, 0.5]);
    const found = following(characters, states, "spaces", 2);
    expect(found.map(({ unit }) => unit)).toEqual([1, 0]);
    expect(found[0]!.correlation).toBeCloseTo(-1, 9);
  });
});

test("a text is cut to what a model knows, and to the rows that it has", () => {
  expect(onlyKnown("abcab!", Vocabulary.fromText("ab"))).toEqual({ known: "abab", skipped: 2 });
  expect(rowsOf("x".repeat(100), 9, 0.1)).toBe(9);
  expect(rowsOf("x".repeat(10), 10, 0.1)).toBe(0);
});

describe("the worker", () => {
  const network = { cell: "rnn_relu", units: 16, layers: 2, embedding: 8, window: 16, batch: 4, rate: 0.01, clip: 1 };
  const settings = { text: makeText("korean", 3000), network: { ...network, seed: 0 }, steps: 12 } as const;
  const messages: Message[] = [];
  let tell = () => {};
  let send: (request: Request) => void;
  let [runs, asked] = [0, 0];

  beforeAll(async () => {
    vi.stubGlobal("postMessage", (message: Message) => {
      messages.push(message);
      tell();
    });
    ({ default: send } = await import("../../demo/pages/characters/worker.ts"));
    send({ type: "open", backend: "wasm" });
  });

  /** The next message that fits; those before it are dropped. */
  async function next<T extends Message["type"]>(
    type: T,
    fits: (message: Extract<Message, { type: T }>) => boolean = () => true,
  ): Promise<Extract<Message, { type: T }>> {
    for (;;) {
      const at = messages.findIndex((message) => message.type === type && fits(message as never));
      if (at >= 0) return messages.splice(0, at + 1).pop() as Extract<Message, { type: T }>;
      await new Promise<void>((resolve) => {
        tell = resolve;
      });
    }
  }

  function start(changes: Partial<Settings> = {}): number {
    const run = ++runs;
    const asWished = { ...settings, ...changes, run };
    send({ type: "start", run, settings: asWished, stepsPerSecond: Number.POSITIVE_INFINITY });
    return run;
  }

  async function ask<T>(question: string, argument: unknown): Promise<T> {
    const id = ++asked;
    send({ type: "ask", id, question, argument });
    return (await next("answer", (message) => message.id === id)).answer as T;
  }

  const done = () => next("done", ({ run }) => run === runs);
  const wish = { temperature: 0.5, prompt: "할Q", seed: 0 };
  const firstOf = async (run: number) =>
    next("reports", (message) => message.run === run && message.view !== undefined);

  test("trains as many steps as were asked for, writes, searches, and trains as many again", async () => {
    const first = await firstOf(start());
    expect(first.view as Summary).toMatchObject({ cell: "rnn_relu", units: 16, batch: 4, window: 16, skipped: 0 });
    await done();
    const sample = await ask<Sample>("write", wish);
    expect(sample).toMatchObject({ run: runs, prompt: "할", skipped: "Q", layers: 2, units: 16, step: 12 });
    expect(sample.read.slice(0, 3)).toEqual(["할", ...sample.written.slice(0, 2)]);
    expect(Object.entries(sample.states).map(([name, { length }]) => [name, length])).toEqual([["h", 256 * 2 * 16]]);
    const found = await ask<{ unit: number; correlation: number }[]>("follow", "spaces");
    expect(found).toHaveLength(4);
    for (const { correlation } of found) expect(Math.abs(correlation)).toBeLessThanOrEqual(1 + 1e-9);
    const saved = await ask<Saved>("save", null);
    expect(saved.name).toBe("rnn_relu-16-step-12.safetensors");
    start({ from: { ...saved, goesOn: true } });
    const last = await next("reports", ({ run, step }) => run === runs && step === 24);
    expect(last.points.at(-1)!.bits).toBeLessThan(8);
    expect((await ask<Saved>("save", null)).step).toBe(24);
  });

  test("a training that was saved goes on to the same losses as one that was not", async () => {
    const bitsOf = (points: readonly { step: number; bits?: number }[]) =>
      points.filter(({ bits, step }) => bits !== undefined && step > 12).map(({ bits }) => bits);
    const whole = start({ steps: 24 });
    const all: number[] = [];
    for (let step = 0; step < 24; ) {
      const message = await next("reports", ({ run }) => run === whole);
      all.push(...(bitsOf(message.points) as number[]));
      step = message.step;
    }
    start();
    await done();
    const saved = await ask<Saved>("save", null);
    start({ from: { ...saved, goesOn: true } });
    const again: number[] = [];
    for (let step = 0; step < 24; ) {
      const message = await next("reports", ({ run }) => run === runs);
      again.push(...(bitsOf(message.points) as number[]));
      step = message.step;
    }
    expect(again).toHaveLength(12);
    expect(again).toEqual(all);
  });

  test("a file pauses first; where its rate spoils the loss, that is told, and another rate goes on", async () => {
    start();
    await done();
    const saved = await ask<Saved>("save", null);
    // The same training with a rate that no training survives.
    const { tensors, metadata } = readSafetensors(saved.bytes);
    const content = JSON.parse(metadata.checkpoint ?? "");
    content.training.optimizer.lr = 1e200;
    delete content.training.clipNorm;
    const bytes = writeSafetensors(tensors, { checkpoint: JSON.stringify(content) });
    expect(await ask("look", { bytes, name: "spoiled" })).toMatchObject({ ...network, rate: 1e200, clip: 0 });
    const run = start({ text: `${settings.text}Q`, from: { bytes, name: "spoiled", goesOn: false } });
    const first = await firstOf(run);
    expect(first).toMatchObject({ step: 12, pauses: true, view: { skipped: 1 } });
    send({ type: "continue" });
    expect((await next("failed")).failure.code).toBe("DIVERGED");
    start({ from: { bytes, name: "spoiled", goesOn: true, rate: 0.005 } });
    expect((await next("reports", ({ run, step }) => run === runs && step === 24)).points.at(-1)!.bits).toBeLessThan(8);
  });

  test("a model whose characters the text lacks can still write", async () => {
    start();
    await done();
    const saved = await ask<Saved>("save", null);
    const run = start({ text: "qqq", from: { ...saved, name: "mine", goesOn: false } });
    expect(await firstOf(run)).toMatchObject({ step: 12, view: { stepsPerEpoch: 0, skipped: 3 } });
    expect((await ask<Sample>("write", wish)).written).toHaveLength(256);
  });

  test("what is no model is refused, and the training goes on", async () => {
    const id = ++asked;
    const run = start({ steps: 0 });
    await firstOf(run);
    send({ type: "ask", id, question: "look", argument: { bytes: new Uint8Array(20), name: "bad" } });
    expect((await next("refused", (message) => message.id === id)).failure.code).toBe("FILE_FORMAT");
    await next("reports", ({ step }) => step >= 20);
    // Another one takes its place, and ends.
    start();
    await done();
  });
});
