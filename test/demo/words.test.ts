/** The words of all pages of the gallery: what the types do not check of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { beforeAll, describe, expect, test, vi } from "vitest";

const root = fileURLToPath(new URL("../../demo", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
  (file) => /\.tsx?$/.test(file) && !file.startsWith("dist"),
);

const isText = (node: ts.Node): node is ts.StringLiteralLike => ts.isStringLiteralLike(node);

/** Pairs of an English and a Korean string, wherever they stand. */
function pairsOf(file: string): { readonly en: string; readonly ko: string; readonly isWords: boolean }[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), "utf8"), ts.ScriptTarget.Latest, true);
  const found: { en: string; ko: string; isWords: boolean }[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isArrayLiteralExpression(node) && node.elements.length === 2 && node.elements.every(isText)) {
      const [en, ko] = node.elements.map((element) => (element as ts.StringLiteralLike).text) as [string, string];
      const isWords = ts.isPropertyAssignment(node.parent) && ts.isCallExpression(node.parent.parent.parent);
      if (isWords || /[가-힣]/.test(ko)) found.push({ en, ko, isWords });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe("the words of the pages", () => {
  const all = files.flatMap((file) => pairsOf(file).map((pair) => ({ file, ...pair })));

  test("are there in both languages, with the same values put in", () => {
    expect(all.length).toBeGreaterThan(100);
    const values = (words: string) => (words.match(/\{\w+\}/g) ?? []).sort();
    for (const { file, en, ko, isWords } of all) {
      expect([file, en.trim() !== "", ko.trim() !== ""]).toEqual([file, true, true]);
      if (isWords) expect([file, en, ...values(ko)]).toEqual([file, en, ...values(en)]);
    }
  });

  test("explain a page in at most 120 words", () => {
    const long = all.filter(({ en, ko }) => en.includes("\n") && [en, ko].some((one) => one.split(/\s+/).length > 120));
    expect(long.map(({ file, en, ko }) => `${file}: ${en.split(/\s+/).length}, ${ko.split(/\s+/).length}`)).toEqual([]);
  });
});

describe("the language of a page", () => {
  let preferredLanguage: (search: string, stored: string | null, languages: readonly string[]) => string;
  beforeAll(async () => {
    vi.stubGlobal("location", { search: "" });
    vi.stubGlobal("navigator", { languages: ["en"] });
    vi.stubGlobal("document", { documentElement: {} });
    ({ preferredLanguage } = await import("../../demo/shell/language.ts"));
  });

  test("is the address's, else the last choice, else the browser's first that the pages have", () => {
    expect(preferredLanguage("?lang=ko", "en", ["en"])).toBe("ko");
    expect(preferredLanguage("", "en", ["ko-KR"])).toBe("en");
    expect(preferredLanguage("", null, ["fr-FR", "ko-KR", "en"])).toBe("ko");
    expect(preferredLanguage("?lang=xx", null, ["fr"])).toBe("en");
  });
});
