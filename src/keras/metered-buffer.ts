import { FileFormatError } from "../errors.ts";

// jsfive follows the addresses in a file as they are: a tree whose nodes share children is walked again for each of them, which
// multiplies with every level, and a few hundred bytes keep it busy for years. All that it reads of trees, headers, heaps and
// texts begins with a call of `slice` of the buffer that it was given. So the buffer has a `slice` of its own, which adds up what
// that costs and ends it when it is many times what a whole file of this length needs.

/** What a slice costs beside its bytes: the objects that are made for it. */
const PER_SLICE = 512;
/** What an entry of a tree's node costs, which is read without a slice. */
const PER_ENTRY = 256;
const PER_BYTE_OF_FILE = 64;
const ALWAYS_ALLOWED = 2 ** 24;
/** A heap with many blocks is read without slices up to its end, at worst that of the file. */
const PASSES_FOR_A_HEAP = 8;

/**
 * A copy of a file's bytes, of which only so much can be read as reading it once needs, and many times more.
 * @throws FileFormatError from `slice`, when it is used up
 */
export function meteredBuffer(bytes: Uint8Array, what: string): ArrayBuffer {
  const whole = bytes.slice().buffer as ArrayBuffer;
  const view = new DataView(whole);
  let left = PER_BYTE_OF_FILE * bytes.length + ALWAYS_ALLOWED;
  const spend = (cost: number) => {
    left -= cost;
    if (left < 0)
      throw new FileFormatError(
        `${what}: its parts refer to each other so that reading them would not end; it is damaged, or was made to harm its reader`,
      );
  };
  const costOfNode = (at: number): number => {
    if (!(at >= 0 && at + 8 <= whole.byteLength)) return 0;
    const signature = view.getUint32(at);
    if (signature === 0x54524545) return PER_ENTRY * view.getUint16(at + 6, true); // TREE
    return signature === 0x46484942 ? PASSES_FOR_A_HEAP * whole.byteLength : 0; // FHIB
  };
  const meter = (buffer: ArrayBuffer): ArrayBuffer => {
    const slice = (begin: number, end?: number): ArrayBuffer => {
      const part = ArrayBuffer.prototype.slice.call(buffer, begin, end);
      // Names are looked for in a heap from their beginning to its end.
      spend(PER_SLICE + part.byteLength + (buffer === whole ? costOfNode(begin) : buffer.byteLength / 64));
      return part.byteLength > 64 ? meter(part) : part;
    };
    return Object.defineProperty(buffer, "slice", { value: slice });
  };
  return meter(whole);
}
