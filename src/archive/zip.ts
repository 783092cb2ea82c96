import { Unzip, UnzipInflate, unzipSync } from "fflate";
import { FileFormatError, shown } from "../errors.ts";

// Archives are read into memory and never written anywhere, so a name that leads out of a folder could do no harm here. It is
// refused all the same: no program that saves models writes one.

/** Bytes of an entry's record in an archive's directory, without its name. */
const RECORD_BYTES = 46;
/** Weights hardly get smaller when they are compressed, and a model's description by a factor of about ten. */
const MOST_GROWTH = 64;
const ALWAYS_ALLOWED = 2 ** 20;

/** Whether a file begins as a zip archive does. */
export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6));

interface Entry {
  readonly name: string;
  readonly size: number;
  readonly originalSize: number;
  readonly compression: number;
}

/**
 * The files in a zip archive by their names, as copies. Sizes are checked before anything is unpacked.
 *
 * @param bytes the whole archive
 * @param what names it in messages
 * @param wanted which files to unpack; default all
 * @throws FileFormatError when it is damaged or truncated, has a name twice, a name that is absolute or leads upwards, or would
 *   grow to more than 64 times its size
 */
export function readZip(
  bytes: Uint8Array,
  what: string,
  wanted: (name: string) => boolean = () => true,
): Map<string, Uint8Array> {
  const listed = [...listEntries(bytes, what)].filter(([name]) => wanted(name));
  const stored = run(what, () =>
    unzipSync(bytes, { filter: ({ name, compression }) => compression === 0 && wanted(name) }),
  );
  const inflated = inflate(
    bytes,
    what,
    new Map(
      listed.filter(([, { compression }]) => compression !== 0).map(([name, { originalSize }]) => [name, originalSize]),
    ),
  );
  const files = new Map<string, Uint8Array>();
  for (const [name, { originalSize }] of listed) {
    const file = stored[name] ?? inflated.get(name);
    if (file?.length !== originalSize)
      throw new FileFormatError(
        `${what}: its file ${shown(name)} has ${file?.length ?? 0} bytes, and the archive says ${originalSize}; it is truncated or damaged, fetch or save it again`,
      );
    files.set(name, file);
  }
  return files;
}

/** The names of the files in a zip archive. @throws FileFormatError as {@link readZip} */
export const namesInZip = (bytes: Uint8Array, what: string): string[] => [...listEntries(bytes, what).keys()];

function listEntries(bytes: Uint8Array, what: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const most = bytes.length / RECORD_BYTES;
  let total = 0;
  const check = (entry: Entry): false => {
    const { name, originalSize, size, compression } = entry;
    const refuse = (why: string) => {
      throw new FileFormatError(`${what}: ${why}`);
    };
    if (entries.size + 1 > most) refuse(`the archive lists more files than fit into ${bytes.length} bytes`);
    if (entries.has(name)) refuse(`the archive has the name ${shown(name)} twice`);
    if (name === "" || /^[/\\]|^[a-z]:|\\|(^|\/)\.\.(\/|$)|\0/i.test(name))
      refuse(
        `the archive has a file named ${shown(name)}, which is no path inside of it; no program that saves models does so`,
      );
    if (compression !== 0 && compression !== 8)
      refuse(
        `its file ${shown(name)} is compressed by method ${compression}; stored (0) and deflated (8) files can be read`,
      );
    if (size > bytes.length || (compression === 0 && size !== originalSize))
      refuse(
        `its file ${shown(name)} would have ${size} bytes of ${originalSize} in an archive of ${bytes.length}; it is damaged`,
      );
    total += originalSize;
    if (!(total <= MOST_GROWTH * bytes.length + ALWAYS_ALLOWED))
      refuse(
        `would grow from ${bytes.length} bytes to more than ${MOST_GROWTH} times as many; it was made to harm its reader, or unpack it and pack it anew without compression`,
      );
    entries.set(name, entry);
    return false;
  };
  run(what, () => unzipSync(bytes, { filter: check }));
  return entries;
}

/** Bytes that are inflated at once: each becomes at most 1032. */
const CHUNK = 2 ** 15;

/**
 * Inflates files, each no further than the size that the directory gives. (unzipSync would go on to the end of the compressed
 * bytes, whatever size it was told.)
 */
function inflate(bytes: Uint8Array, what: string, sizes: ReadonlyMap<string, number>): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  if (sizes.size === 0) return files;
  const unzip = new Unzip((file) => {
    const size = sizes.get(file.name);
    if (size === undefined || files.has(file.name)) return;
    const whole = new Uint8Array(size);
    let length = 0;
    files.set(file.name, whole.subarray(0, 0));
    file.ondata = (error, part) => {
      if (error) throw error;
      if (length + part.length > size)
        throw new FileFormatError(
          `${what}: its file ${shown(file.name)} has more than the ${size} bytes that the archive says; it was made to harm its reader`,
        );
      whole.set(part, length);
      length += part.length;
      files.set(file.name, whole.subarray(0, length));
    };
    file.start();
  });
  unzip.register(UnzipInflate);
  run(what, () => {
    for (let at = 0; at < bytes.length; at += CHUNK)
      unzip.push(bytes.subarray(at, at + CHUNK), at + CHUNK >= bytes.length);
  });
  return files;
}

/** Calls the library, whose errors become ours. */
function run<R>(what: string, call: () => R): R {
  try {
    return call();
  } catch (cause) {
    if (cause instanceof FileFormatError) throw cause;
    const why = String((cause as Error)?.message ?? cause);
    throw new FileFormatError(
      `${what}: is no whole zip archive (${why}); it is truncated or damaged, fetch or save it again`,
      {
        cause,
      },
    );
  }
}
