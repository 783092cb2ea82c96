/** Zip archives: what is read, and what was made to harm its reader. */
import { strToU8, type Zippable, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { isZip, readZip } from "../../src/archive/zip.ts";
import { readDamaged, refusalOf } from "../support/damage.ts";

const text = strToU8("what a gate lets in, the state will keep; ".repeat(50));
const files: Zippable = {
  "a/stored": [text, { level: 0 }],
  "a/deflated": [text, { level: 9 }],
  "a/empty": new Uint8Array(0),
};

/** Writes into the record of a file in the archive's directory. */
function change(archive: Uint8Array, name: string, offset: number, value: number): Uint8Array {
  const copy = archive.slice();
  const view = new DataView(copy.buffer);
  let at = view.getUint32(copy.length - 6, true);
  for (
    ;
    view.getUint32(at, true) === 0x02014b50;
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true)
  ) {
    const own = new TextDecoder().decode(copy.subarray(at + 46, at + 46 + view.getUint16(at + 28, true)));
    if (own === name) view.setUint32(at + offset, value, true);
  }
  return copy;
}
const SIZE = 20;
const ORIGINAL_SIZE = 24;

describe("an archive", () => {
  test("gives stored and deflated files", () => {
    const archive = zipSync(files);
    expect(isZip(archive)).toBe(true);
    const read = readZip(archive, "a.zip");
    expect([...read.keys()]).toEqual(["a/stored", "a/deflated", "a/empty"]);
    expect(read.get("a/stored")).toEqual(text);
    expect(read.get("a/deflated")).toEqual(text);
    expect([...readZip(archive, "a.zip", (name) => name === "a/deflated").keys()]).toEqual(["a/deflated"]);
  });

  test.each(["../a", "/etc/passwd", "a/../../b", "C:\\a", "a\\..\\b", "a\0b", "a/.."])(
    "with a file named %j is refused",
    (name) => {
      expect(refusalOf(() => readZip(zipSync({ [name]: text }), "a.zip"))).toMatch(/no path inside of it/);
    },
  );

  test("that would grow a thousand times is refused before it is unpacked", () => {
    const archive = zipSync({ zeros: new Uint8Array(20_000_000) });
    expect(archive.length).toBeLessThan(30_000);
    expect(refusalOf(() => readZip(archive, "a.zip"))).toMatch(/made to harm its reader/);
  });

  test("whose directory says that a file is small, and which is not, is stopped there", () => {
    const archive = zipSync({ zeros: new Uint8Array(20_000_000) });
    expect(refusalOf(() => readZip(change(archive, "zeros", ORIGINAL_SIZE, 1000), "a.zip"))).toMatch(
      /more than the 1000 bytes/,
    );
  });

  test("with sizes that are wrong is refused", () => {
    const archive = zipSync(files);
    for (const [name, offset, value] of [
      ["a/stored", SIZE, 2 ** 32 - 2],
      ["a/stored", ORIGINAL_SIZE, 5],
      ["a/deflated", ORIGINAL_SIZE, text.length + 1],
      ["a/deflated", SIZE, 2 ** 31],
    ] as const)
      refusalOf(() => readZip(change(archive, name, offset, value), "a.zip"));
  });

  test("with a name twice, or of many files that are not there, is refused", () => {
    const two = zipSync({ aa: text, ab: text });
    const same = two.map((byte, i) => (byte === 98 && two[i - 1] === 97 ? 97 : byte));
    expect(refusalOf(() => readZip(same, "a.zip"))).toMatch(/the name "aa" twice/);
    const many = zipSync({ a: new Uint8Array(0) });
    new DataView(many.buffer).setUint16(many.length - 14, 65535, true);
    expect(refusalOf(() => readZip(many, "a.zip"))).toMatch(
      /more files than fit|no path inside of it|no whole zip archive/,
    );
  });

  test("that is damaged is read or refused", () => {
    expect(readDamaged(zipSync(files), (bytes) => readZip(bytes, "a.zip"), 3000, 7)).toBeGreaterThan(300);
  });
});
