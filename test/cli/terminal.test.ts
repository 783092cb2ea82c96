import { createColors } from "picocolors";
import { describe, expect, test } from "vitest";
import { clock, fold, quoted, short, type Terminal, wrap } from "../../src/cli/terminal.ts";
import type { StepRecord } from "../../src/cli/train-records.ts";
import { barLine, textReporter } from "../../src/cli/train-report.ts";

const settings = { window: 8, batch: 4, seed: 0, validationFraction: 0, text: "" };

describe("how it looks", () => {
  const step = (changes: Partial<StepRecord> = {}): StepRecord => ({
    type: "step",
    step: 123,
    loss: 1.98765,
    bitsPerCharacter: 2.86758,
    gradNorm: 0.35,
    lr: 0.005,
    tokensPerSecond: 28_912,
    secondsLeft: 3725,
    ...changes,
  });
  const terminal = (columns: number, interactive = true): Terminal & { text: string } => {
    const made = {
      text: "",
      interactive,
      columns,
      colors: createColors(false),
      write(text: string) {
        made.text += text;
      },
      line: (text = "") => made.write(`${text}\n`),
    };
    return made;
  };

  test("a bar with everything in 80 columns, and less in fewer", () => {
    expect(barLine(step(), 4000, terminal(80))).toBe(
      " 123/4000 ░░░░░░░  loss 1.988 (2.87 bpc)  norm 0.350  1:02:05 left  28.9k tok/s",
    );
    for (let columns = 20; columns < 200; columns++) {
      const line = barLine(step({ step: columns * 20 }), 4000, terminal(columns));
      expect(line.length).toBeLessThan(columns);
    }
    expect(barLine(step({ step: 4000 }), 4000, terminal(40))).toMatch(/^4000\/4000 █+ {2}loss 1\.988/);
  });

  test("no terminal: plain lines, one every ten seconds and one at the end", () => {
    const out = terminal(Number.POSITIVE_INFINITY, false);
    let now = 0;
    const start = { cell: "gru", embeddingDim: 8, hiddenSize: 16, numLayers: 2, vocabSize: 9 } as const;
    const reporter = textReporter(out, terminal(80), () => now);
    reporter.report({
      type: "start",
      backend: "cpu",
      reason: "there is no GPU",
      config: start,
      parameters: 12345,
      step: 0,
      steps: 45,
      stepsPerEpoch: 10,
      validationCharacters: 0,
      out: "m.safetensors",
      text: { name: "book.txt", files: 1, characters: 54321 },
      training: { ...settings, optimizer: { name: "adam", lr: 0.01 } },
    });
    for (let i = 1; i <= 45; i++) {
      reporter.report(step({ step: i, secondsLeft: null }));
      now += 1000;
    }
    reporter.report({ type: "sample", step: 45, prompt: "\n", text: "if (x) {\n\u001b[31m" });
    reporter.close();
    const lines = out.text.split("\n");
    expect(lines.filter((line) => line.startsWith("step"))).toHaveLength(6);
    expect(lines.slice(0, 4)).toEqual([
      "running on the CPU: there is no GPU",
      "model gru, embedding 8, hidden 16, 2 layers: 12,345 numbers",
      "text book.txt (1 file): 54,321 characters, 9 different, no validation",
      "training step 1 to 45 (4.5 epochs), window 8, batch 4, adam lr 0.01, into m.safetensors",
    ]);
    expect(lines[4]).toBe("step 1/45  loss 1.988 (2.87 bpc)  norm 0.350  -:-- left  28.9k tok/s");
    expect(out.text).toContain("  | if (x) {\n");
  });

  test("numbers, times, words and wide characters", () => {
    expect([0.1234, 7.0049, 99.96, 123.4, 999.7, 28_912, 1_204_000, 3e9].map(short)).toEqual([
      "0.123",
      "7.00",
      "100",
      "123",
      "1.00k",
      "28.9k",
      "1.20M",
      "3.00G",
    ]);
    expect([0.4, 59.6, 3725, Number.NaN].map(clock)).toEqual(["0:00", "1:00", "1:02:05", "-:--"]);
    expect(wrap("one two three four", 9)).toBe("one two\n  three\n  four");
    expect(fold("abcdef\ngh", 4)).toBe("abcd\nef\ngh");
    expect(fold("고양이 야옹", 6)).toBe("고양이\n 야옹");
    expect(["a b", "it's", "ok-1.txt"].map(quoted)).toEqual(["'a b'", `'it'\\''s'`, "ok-1.txt"]);
  });
});
