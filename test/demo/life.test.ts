/** The rules by which the page "Symbols of life" judges its networks, against the generators, and its strings. */
import { expect, test } from "vitest";
import { motifSequences, motifs, readingFrames } from "webgpu-rnn/tasks/data";
import { framesByRule, motifByRule } from "../../demo/pages/life/rule.ts";
import { lettersOf, madeUpString, withMotif, withShift } from "../../demo/pages/life/strings.ts";

test("the rules say of generated strings what their generators say", () => {
  for (const { sequence, labels } of readingFrames({ count: 100, length: 60, seed: 4 }))
    expect(framesByRule(sequence)).toEqual(labels);
  for (const { sequence, label, position } of motifs({ count: 100, length: 40, seed: 4 }))
    expect(motifByRule(sequence)).toEqual({ label, start: position });
});

test("a frame without a stop goes on to the end", () => {
  expect(framesByRule("CATGCCTAGA")).toEqual(["outside", ..."123123123"]);
  expect(framesByRule("CATGTAGA")).toEqual(["outside", ..."123123", "outside"]);
  expect(framesByRule("")).toEqual([]);
});

test("strings to try", () => {
  expect(lettersOf("acg u-n\nT")).toBe("ACGTT");
  for (let seed = 1; seed <= 8; seed++) {
    const made = madeUpString(seed);
    expect(framesByRule(made)).toContain("1");
    const planted = withMotif(made, "gamma");
    expect(planted).toHaveLength(made.length);
    expect(planted).toContain(motifSequences.gamma);
  }
  expect(withShift("CATGGCATAACC")).toBe("CATGCGCATAACC");
});
