import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { brotliDecompress } from "node:zlib";

/** The bytes of a file that was compressed with brotli. */
export const decompressed = async (file: string): Promise<Buffer> => promisify(brotliDecompress)(await readFile(file));

/** The plain files of a .tar.br archive. */
export const filesOfArchive = async (archive: string): Promise<{ name: string; data: Buffer }[]> => [
  ...filesOfTar(await decompressed(archive)),
];

/**
 * The plain files of a ustar archive (POSIX.1-1988): a header of 512 bytes, then the data padded to 512.
 * The one archive that is read here has short names and no links, which a dependency would be too much for.
 */
export function* filesOfTar(tar: Buffer): Generator<{ name: string; data: Buffer }> {
  const text = (at: number, length: number) => tar.toString("latin1", at, at + length).replace(/\0.*$/s, "");
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const name = text(at, 100);
    const size = Number.parseInt(text(at + 124, 12), 8);
    const kind = text(at + 156, 1);
    if (!text(at + 257, 6).startsWith("ustar") || !Number.isSafeInteger(size)) {
      throw new Error(`byte ${at} of the archive is no tar header`);
    }
    const end = at + 512 + size;
    if (end > tar.length) throw new Error(`the archive ends within "${name}"`);
    if (kind === "0" || kind === "") yield { name, data: tar.subarray(at + 512, end) };
    at = Math.ceil(end / 512) * 512;
  }
}
