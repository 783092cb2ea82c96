import { DataError, type WebGpuRnnError } from "../errors.ts";

/**
 * Decodes UTF-8 strictly: nothing is replaced. A byte order mark at the start is dropped.
 *
 * @param bytes the whole text
 * @param name what the error calls it, such as a path
 * @param Failure the error's class; default DataError
 * @throws DataError naming the text and the byte position of the first byte that is not UTF-8
 */
export function decodeUtf8(
  bytes: Uint8Array,
  name: string,
  Failure: new (message: string, options?: { cause?: unknown }) => WebGpuRnnError = DataError,
): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    const position = invalidUtf8At(bytes);
    if (position === undefined) {
      // Valid, so it is too long: engines limit a string to about 2^29 (V8) or 2^30 units.
      throw new Failure(`${name}: ${bytes.length} bytes are more than one text can hold; split it`, { cause });
    }
    const byte = (bytes[position] as number).toString(16).padStart(2, "0");
    throw new Failure(
      `${name}: byte 0x${byte} at position ${position} is not UTF-8; save the text as UTF-8 (iconv -f OLD -t UTF-8)`,
      { cause },
    );
  }
}

/**
 * Where the first ill-formed sequence starts; undefined when all is well-formed. Table 3-7 of the Unicode Standard: the
 * lead byte says how many bytes follow, and narrows the first of them (no overlong forms, no surrogates, no more than
 * U+10FFFF).
 */
export function invalidUtf8At(bytes: Uint8Array): number | undefined {
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i] as number;
    const following = lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
    if (following < 0) return i;
    let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    for (let k = 1; k <= following; k++) {
      const byte = bytes[i + k];
      if (byte === undefined || byte < low || byte > high) return i;
      low = 0x80;
      high = 0xbf;
    }
    i += following + 1;
  }
  return undefined;
}
