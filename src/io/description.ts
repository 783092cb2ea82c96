import { FileFormatError, OptionError, shown, shownNames, WebGpuRnnError } from "../errors.ts";
import type { Bytes } from "../platform-types.ts";
import type { StateDict } from "../tensor-data.ts";
import { readJson, scanJson } from "./read-json.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

// A file of ours is a safetensors file that describes itself: its metadata has, under a key, JSON with the format's name and
// version, and what is no tensor.

/** What kind of file it is. */
export interface FileKind {
  /** In the safetensors metadata. */
  readonly key: string;
  readonly format: string;
  readonly version: number;
  /** For messages, as in "is not a …". */
  readonly what: string;
  /** For messages: which functions write it. */
  readonly writers: string;
}

export function writeDescribed(
  { key, format, version }: FileKind,
  content: Readonly<Record<string, unknown>>,
  tensors: StateDict,
): Bytes {
  const text = JSON.stringify({ format, version, ...content });
  scanJson(text, "the description to write");
  return writeSafetensors(tensors, { [key]: text });
}

/** @throws FileFormatError when it is no safetensors file or a broken one, or of another kind or version */
export function readDescribed(
  bytes: Uint8Array | ArrayBuffer,
  name: string,
  { key, format, version, what, writers }: FileKind,
): { content: Record<string, unknown>; tensors: StateDict } {
  const { tensors, metadata } = readSafetensors(bytes, name);
  const text = metadata[key];
  if (text === undefined) {
    throw new FileFormatError(
      `${name}: is not a ${what} of webgpu-rnn: its metadata has no "${key}" (its tensors: ${shownNames(Object.keys(tensors)) || "none"}); ` +
        `name a file that ${writers} wrote`,
    );
  }
  const content = readJson(text, `${name}: the metadata's "${key}"`);
  const found = (content ?? {}) as Record<string, unknown>;
  if (found.format !== format)
    throw new FileFormatError(
      `${name}: holds ${found.format === undefined ? "an unnamed format" : shown(found.format)}, expected "${format}"; name the file of a ${what}`,
    );
  if (found.version !== version)
    throw new FileFormatError(
      `${name}: has format version ${shown(found.version)}, this webgpu-rnn reads version ${version}; use the webgpu-rnn that wrote it`,
    );
  return { content: found, tensors };
}

/** @throws FileFormatError for a key of a description that is not known */
export function checkKeys(name: string, content: object, keys: readonly string[]): void {
  const unknown = Object.keys(content).find((key) => !keys.includes(key));
  if (unknown !== undefined)
    throw new FileFormatError(
      `${name}: its description has the unknown key ${shown(unknown)}, expected ${keys.join(", ")}; use the webgpu-rnn that wrote it`,
    );
}

/** Gives an error about values the name of the file that they come from. */
export function inFile<T>(name: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    if (!(cause instanceof WebGpuRnnError)) throw cause;
    throw new FileFormatError(`${name}: ${cause.message}`, { cause });
  }
}

/**
 * A value as the JSON of a file has it, which must not be less than what was given.
 * @throws OptionError for what JSON would leave out or change: functions, NaN, typed arrays, Maps, other classes without toJSON
 */
export function plainJson(what: string, value: unknown): unknown {
  const check = (key: string, one: unknown): unknown => {
    const at = key === "" ? what : `${what}: ${key}`;
    if (typeof one === "number" && !Number.isFinite(one))
      throw new OptionError(`${at} is ${shown(one)}, which JSON cannot hold; give a finite number or text`);
    if (typeof one === "function" || typeof one === "symbol" || typeof one === "bigint")
      throw new OptionError(
        `${at} is ${shown(one)}, which JSON cannot hold; give numbers, text, lists or objects of these`,
      );
    const prototype = typeof one === "object" && one !== null ? Object.getPrototypeOf(one) : Object.prototype;
    if (prototype !== Object.prototype && prototype !== null && !Array.isArray(one))
      throw new OptionError(`${at} is ${shown(one)}, which JSON cannot hold; give a plain list or object`);
    if (Array.isArray(one) && one.includes(undefined))
      throw new OptionError(`${at} has undefined in it, which JSON cannot hold; leave it out`);
    return one;
  };
  try {
    return JSON.parse(JSON.stringify(value, check) ?? "null");
  } catch (cause) {
    if (cause instanceof WebGpuRnnError) throw cause;
    throw new OptionError(`${what} cannot be written as JSON: ${(cause as Error).message}`);
  }
}
