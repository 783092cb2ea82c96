import { isZip, readZip } from "../archive/zip.ts";
import { FileFormatError, OptionError, shown, shownNames } from "../errors.ts";
import { elementTypes, storageTypes } from "./elements.ts";
import { badArguments, type Known, unpickle } from "./pickle.ts";
import { type PyTorchTensor, type Storage, tensorReader, View } from "./tensors.ts";

/** What `torch.save` wrote: plain values and tensors. Dicts are records (whole numbers as names become text), tuples and sets arrays. */
export type PyTorchValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyTorchTensor
  | readonly PyTorchValue[]
  | { readonly [name: string]: PyTorchValue };

/** What a PyTorch file holds. */
export interface PyTorchFile {
  /** All of it. Element types, devices and the like are texts, `torch.bfloat16`, `cuda:0`. */
  readonly value: PyTorchValue;
  /** The state dicts in it (dicts of tensors alone), by their paths such as `model` or `ema.shadow`; "" is the whole file. */
  readonly stateDicts: Readonly<Record<string, Readonly<Record<string, PyTorchTensor>>>>;
  /**
   * One state dict, for `runtime.loadStateDict`.
   * @param path which one; may be left out where there is one only
   * @throws OptionError when there is none there, or several and no path; the message lists them
   */
  stateDict(path?: string): Record<string, PyTorchTensor>;
}

/** In a legacy file: the first pickle of `torch.save` before 1.6, a number that stands for nothing else. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
/** Dicts and lists in each other. */
const MOST_DEPTH = 64;

/**
 * Reads a file of `torch.save`: `.pt`, `.pth`, `.bin`, `.ckpt`, as zip archives (PyTorch 1.6 and later) and in the format before
 * that. No pickle is executed: a few names that state dicts need are known, and every other name is refused, all of them in one
 * error. Tensors are copies, whatever storage they share: float32, float16 and bfloat16 become Float32Array, float64 Float64Array,
 * whole numbers and bool Int32Array (Float64Array where they go beyond 32 bits).
 *
 * @param bytes the whole file
 * @param name what errors call it, such as its path
 * @throws FileFormatError when it is truncated, damaged, big-endian, TorchScript, a whole pickled model or no PyTorch file
 * @example
 * ```ts
 * const file = readPyTorch(bytes); // torch.save({ "model": model.state_dict(), "epoch": 3 }, path)
 * runtime.loadStateDict(model, file.stateDict("model"));
 * ```
 */
export function readPyTorch(bytes: Uint8Array | ArrayBuffer, name = "PyTorch file"): PyTorchFile {
  if (!(bytes instanceof Uint8Array) && !(bytes instanceof ArrayBuffer))
    throw new FileFormatError(`${name}: expected the file's bytes as a Uint8Array or an ArrayBuffer`);
  const file =
    bytes instanceof Uint8Array
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(bytes);
  const { value: pickled, bytesOf } = isZip(file) ? readArchive(file, name) : readLegacy(file, name);
  const read = tensorReader(name, bytesOf, file.length);
  const { value, stateDicts } = convert(pickled, name, read);
  return {
    value,
    stateDicts,
    stateDict(path) {
      const paths = Object.keys(stateDicts);
      const list =
        paths.length > 0 ? shownNames(paths.map((one) => (one === "" ? '"" (the whole file)' : shown(one)))) : "none";
      const chosen = path ?? (paths.length === 1 ? paths[0]! : undefined);
      if (chosen === undefined)
        throw new OptionError(
          paths.length === 0
            ? `${name}: holds no state dict, which is a dict of tensors alone; look into \`value\``
            : `${name}: holds ${paths.length} state dicts, ${list}; say which one`,
        );
      if (!Object.hasOwn(stateDicts, chosen))
        throw new OptionError(`${name}: there is no state dict ${shown(chosen)}; there are ${list}`);
      return { ...stateDicts[chosen]! };
    },
  };
}

interface Pickled {
  readonly value: unknown;
  readonly bytesOf: (storage: Storage) => Uint8Array;
}

/** The format since PyTorch 1.6: `NAME/data.pkl`, `NAME/data/0` and so on. */
function readArchive(file: Uint8Array, name: string): Pickled {
  const files = readZip(file, name, (path) => /^[^/]+\/(data\.pkl|data\/[^/]+|byteorder|constants\.pkl)$/.test(path));
  const paths = [...files.keys()];
  const program = paths.find((path) => path.endsWith("/data.pkl"));
  if (program === undefined)
    throw new FileFormatError(`${name}: is a zip archive without data.pkl, so torch.save did not write it`);
  const folder = program.slice(0, -"data.pkl".length);
  if (files.has(`${folder}constants.pkl`))
    throw new FileFormatError(
      `${name}: is TorchScript, a program; in Python, torch.save(torch.jit.load(path).state_dict(), "weights.pt") saves its weights`,
    );
  const order = files.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(order) !== "little") throw bigEndian(name);
  const { value } = unpickle(files.get(program)!, 0, name, {
    names: namesFor(name),
    persistent: (id) => storageOf(id, name),
  });
  const bytesOf = ({ key }: Storage) => {
    const found = files.get(`${folder}data/${key}`);
    if (!found) throw new FileFormatError(`${name}: storage ${shown(key)} is not in the archive; it is damaged`);
    return found;
  };
  return { value, bytesOf };
}

/** The format before: five pickles (magic number, version, machine, value, names of storages), then the storages. */
function readLegacy(file: Uint8Array, name: string): Pickled {
  const nothing = { names: new Map<string, Known>(), persistent: (id: unknown) => storageOf(id, name) };
  const notOne = `${name}: does not begin as a file of torch.save does: neither a zip archive nor its older format`;
  if (file[0] !== 0x80) throw new FileFormatError(notOne);
  const magic = unpickle(file, 0, name, nothing);
  if (magic.value !== LEGACY_MAGIC) throw new FileFormatError(`${notOne}; it is another pickle`);
  const version = unpickle(file, magic.end, name, nothing);
  if (version.value !== 1001)
    throw new FileFormatError(`${name}: has version ${shown(version.value)} of the older format, expected 1001`);
  const machine = unpickle(file, version.end, name, nothing);
  if (!(machine.value instanceof Map) || machine.value.get("little_endian") !== true) throw bigEndian(name);
  const storages = new Map<string, Storage>();
  const persistent = (id: unknown) => {
    const storage = storageOf(id, name);
    if (Array.isArray(id) && id.length > 5 && id[5] !== null)
      throw new FileFormatError(
        `${name}: has a view of a storage, as PyTorch before 0.4 wrote; load and save it with a later one`,
      );
    storages.set(storage.key, storages.get(storage.key) ?? storage);
    return storage;
  };
  const { value, end } = unpickle(file, machine.end, name, { names: namesFor(name), persistent });
  const keys = unpickle(file, end, name, nothing);
  if (!Array.isArray(keys.value)) throw new FileFormatError(`${name}: does not list its storages; it is damaged`);
  const places = new Map<string, Uint8Array>();
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = keys.end;
  for (const key of keys.value as unknown[]) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (!storage)
      throw new FileFormatError(`${name}: lists the storage ${shown(key)}, which no tensor has; it is damaged`);
    const bytes = storage.dtype === undefined ? 1 : elementTypes[storage.dtype]!.bytes;
    const length = at + 8 <= file.length ? Number(view.getBigInt64(at, true)) : -1;
    if (length !== storage.length || length * bytes > file.length - at - 8)
      throw new FileFormatError(
        `${name}: is truncated or damaged: storage ${shown(key)} needs ${storage.length * bytes} bytes`,
      );
    places.set(storage.key, file.subarray(at + 8, at + 8 + length * bytes));
    at += 8 + length * bytes;
  }
  const bytesOf = ({ key }: Storage) => {
    const found = places.get(key);
    if (!found) throw new FileFormatError(`${name}: storage ${shown(key)} is not in the file; it is damaged`);
    return found;
  };
  return { value, bytesOf };
}

const bigEndian = (name: string) =>
  new FileFormatError(
    `${name}: was written on a big-endian machine; in Python on a usual one, torch.load and torch.save it again`,
  );

/** `("storage", type, key, location, length)`. */
function storageOf(id: unknown, name: string): Storage {
  const [kind, type, key, , length] = Array.isArray(id) ? (id as unknown[]) : [];
  if (kind !== "storage" || !(type instanceof StorageType) || typeof key !== "string" || !Number.isSafeInteger(length))
    throw new FileFormatError(`${name}: has a storage ${shown(id)}, which is not what PyTorch writes; it is damaged`);
  return { key, dtype: type.dtype, length: length as number };
}

class StorageType {
  readonly dtype: string | undefined;
  constructor(dtype: string | undefined) {
    this.dtype = dtype;
  }
}

const isStorage = (value: unknown): value is Storage => typeof value === "object" && value !== null && "key" in value;
const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => typeof n === "number");

/** What a state dict, and what is saved beside it, needs. */
function namesFor(what: string): Map<string, Known> {
  const names = new Map<string, Known>();
  const add = (name: string, call: (args: readonly unknown[], fail: () => never) => unknown) =>
    names.set(name, { call: (args) => call(args, () => badArguments(what, name.replace(" ", "."), args)) });
  const dict = (args: readonly unknown[], fail: () => never) => {
    const [items = []] = args;
    if (items instanceof Map) return new Map(items);
    if (!Array.isArray(items) || !items.every((item) => Array.isArray(item) && item.length === 2)) return fail();
    return new Map(items as [unknown, unknown][]);
  };
  const set = ([items = []]: readonly unknown[], fail: () => never) => (Array.isArray(items) ? new Set(items) : fail());
  add("collections OrderedDict", dict);
  add("collections Counter", dict);
  for (const module of ["builtins", "__builtin__"])
    for (const name of ["set", "frozenset"]) add(`${module} ${name}`, set);
  // Bytes in protocol 2, which has no opcode for them.
  add("_codecs encode", ([text, encoding], fail) =>
    typeof text === "string" && encoding === "latin1" ? Uint8Array.from(text, (c) => c.charCodeAt(0)) : fail(),
  );
  add("torch Size", ([sizes], fail) => (isNumbers(sizes) ? sizes : fail()));
  add("torch device", (args, fail) =>
    args.every((arg) => typeof arg === "string" || typeof arg === "number") ? args.join(":") : fail(),
  );
  for (const dtype of Object.keys(elementTypes)) names.set(`torch ${dtype}`, { value: `torch.${dtype}` });
  for (const [name, dtype] of Object.entries(storageTypes))
    names.set(`torch ${name}`, { value: new StorageType(dtype) });
  names.set("torch.storage UntypedStorage", { value: new StorageType(undefined) });
  const tensor = (
    [storage, offset, shape, strides]: readonly unknown[],
    dtype: string | undefined,
    fail: () => never,
  ) => {
    if (!isStorage(storage) || typeof offset !== "number" || !isNumbers(shape) || !isNumbers(strides) || !dtype)
      return fail();
    return new View(storage, dtype, offset, shape, strides);
  };
  const typed = (args: readonly unknown[], fail: () => never) => tensor(args, (args[0] as Storage | null)?.dtype, fail);
  add("torch._utils _rebuild_tensor", typed);
  add("torch._utils _rebuild_tensor_v2", typed);
  add("torch._utils _rebuild_tensor_v3", (args, fail) => {
    const dtype = String(args[6]).replace("torch.", "");
    return tensor(args, Object.hasOwn(elementTypes, dtype) ? dtype : undefined, fail);
  });
  add("torch._utils _rebuild_parameter", ([view], fail) => (view instanceof View ? view : fail()));
  return names;
}

/** Plain values of what a pickle made, and the state dicts in it. */
function convert(
  pickled: unknown,
  name: string,
  read: (view: View) => PyTorchTensor,
): Pick<PyTorchFile, "value" | "stateDicts"> {
  const done = new Map<object, PyTorchValue>();
  const open = new Set<object>();
  const found: [string, Record<string, PyTorchTensor>][] = [];
  /** @param path where it stands, as long as only names that are texts lead there */
  const plain = (value: unknown, path: string | undefined, depth: number): PyTorchValue => {
    if (value instanceof View) return read(value);
    if (value instanceof Uint8Array) return value;
    if (typeof value !== "object" || value === null) return isPlain(value) ? value : refuse(value);
    const before = done.get(value);
    if (before !== undefined) return before;
    if (open.has(value)) throw new FileFormatError(`${name}: holds a value that contains itself; save what does not`);
    if (depth === MOST_DEPTH)
      throw new FileFormatError(`${name}: is nested more than ${MOST_DEPTH} deep; it was made to harm its reader`);
    open.add(value);
    const result = value instanceof Map ? record(value, path, depth) : listOf(value, depth);
    open.delete(value);
    done.set(value, result);
    return result;
  };
  const refuse = (value: unknown): never => {
    throw new FileFormatError(`${name}: holds ${shown(value)}, which is no value that a file has; it is damaged`);
  };
  const listOf = (value: object, depth: number): PyTorchValue => {
    if (!Array.isArray(value) && !(value instanceof Set)) return refuse(value);
    return [...(value as Iterable<unknown>)].map((one) => plain(one, undefined, depth + 1));
  };
  const record = (dict: Map<unknown, unknown>, path: string | undefined, depth: number): PyTorchValue => {
    const entries: [string, PyTorchValue][] = [];
    const own = [...dict.values()];
    const isStateDict =
      own.length > 0 &&
      own.every((one) => one instanceof View) &&
      [...dict.keys()].every((key) => typeof key === "string");
    const at = found.length;
    for (const [key, value] of dict) {
      if (typeof key === "object" && key !== null)
        throw new FileFormatError(`${name}: a dict has ${shown(key)} as a name; texts and numbers can be read`);
      const inner = typeof key === "string" && path !== undefined ? (path === "" ? key : `${path}.${key}`) : undefined;
      entries.push([String(key), plain(value, inner, depth + 1)]);
    }
    // fromEntries defines properties and does not assign them: a tensor named __proto__ stays a tensor.
    const result = Object.fromEntries(entries);
    if (isStateDict && path !== undefined) found.splice(at, 0, [path, result as Record<string, PyTorchTensor>]);
    return result;
  };
  const value = plain(pickled, "", 0);
  return { value, stateDicts: Object.fromEntries(found) };
}

const isPlain = (value: unknown): value is null | boolean | number | bigint | string =>
  value === null || ["boolean", "number", "bigint", "string"].includes(typeof value);
