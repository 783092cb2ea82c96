import { FileFormatError, shown, shownNames } from "../errors.ts";
import { decodeUtf8 } from "../io/utf8.ts";

// Pickle is a program for a machine with a stack and a memo (https://docs.python.org/3/library/pickletools.html, protocols 2 to
// 5). Python's own machine imports whatever name a program mentions and calls it. This one knows a few names, each a pure function
// of ours, and refuses the others: nothing is ever imported, looked up or run. Each opcode takes time and memory in proportion to
// its own bytes, so that a file cannot ask for more than it is long.

/** What a name that is known stands for. */
export type Known = { readonly call: (args: readonly unknown[]) => unknown } | { readonly value: unknown };

/** What a program may ask for. */
export interface Allowed {
  /** The names, as `module name`. */
  readonly names: ReadonlyMap<string, Known>;
  /** An object that lies outside of the pickle. */
  persistent(id: unknown): unknown;
}

/** A name that is known, on the stack. */
class Name {
  readonly name: string;
  readonly known: Known;
  constructor(name: string, known: Known) {
    this.name = name;
    this.known = known;
  }
}

/** Stands for what a refused name would have made, so that all refused names of a file are found. */
const REFUSED = Symbol("refused");
const MARK = Symbol("mark");

/** Whole numbers with more bytes are no sizes, seeds or counts. */
const MOST_NUMBER_BYTES = 256;

/**
 * Runs the program of a pickle and gives what it leaves: null, booleans, numbers, bigints beyond 2^53, strings, Uint8Arrays, arrays
 * for lists and tuples, Maps for dicts, Sets, and what the names that are allowed make.
 *
 * @param bytes where the pickle lies
 * @param start where it begins
 * @param what names the file in messages
 * @returns the value, and where the pickle ends
 * @throws FileFormatError for a name that is not allowed (all of them by name), an unknown opcode or a damaged program
 */
export function unpickle(
  bytes: Uint8Array,
  start: number,
  what: string,
  { names, persistent }: Allowed,
): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: unknown[] = [];
  const memo = new Map<number, unknown>();
  const refused = new Set<string>();
  let at = start;

  const fail = (why: string): never => {
    throw new FileFormatError(
      `${what}: ${why} (byte ${at} of its pickle); it is truncated, damaged or no PyTorch file`,
    );
  };
  const take = (count: number): number => {
    if (count > bytes.length - at) fail(`needs ${count} more bytes, and has ${bytes.length - at}`);
    at += count;
    return at - count;
  };
  const u8 = () => view.getUint8(take(1));
  const u16 = () => view.getUint16(take(2), true);
  const u32 = () => view.getUint32(take(4), true);
  const u64 = () => Number(view.getBigUint64(take(8), true));
  const slice = (count: number) => {
    const from = take(count);
    return bytes.slice(from, from + count);
  };
  const text = (count: number) => decodeUtf8(slice(count), what, FileFormatError);
  const line = () => {
    const end = bytes.indexOf(10, at);
    if (end < 0) fail("a name does not end");
    const found = text(end - at);
    at++;
    return found;
  };
  const long = (count: number): number | bigint => {
    if (count > MOST_NUMBER_BYTES) fail(`has a whole number of ${count} bytes`);
    let value = 0n;
    const digits = slice(count);
    for (const [i, byte] of digits.entries()) value |= BigInt(byte) << BigInt(8 * i);
    if (count > 0 && digits[count - 1]! >= 128) value -= 1n << BigInt(8 * count);
    return BigInt.asIntN(54, value) === value ? Number(value) : value;
  };
  const pop = (): unknown => {
    if (stack.length === 0 || stack.at(-1) === MARK) fail("takes from an empty stack");
    return stack.pop();
  };
  const top = (): unknown => {
    if (stack.length === 0 || stack.at(-1) === MARK) fail("looks at an empty stack");
    return stack.at(-1);
  };
  const popToMark = (): unknown[] => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) fail("goes back to a mark that is not there");
    return stack.splice(mark).slice(1);
  };
  const recall = (index: number) => {
    if (!memo.has(index)) fail(`recalls ${index}, which was not memorised`);
    stack.push(memo.get(index));
  };
  const find = (module: unknown, name: unknown) => {
    if (typeof module !== "string" || typeof name !== "string") return fail("asks for a name that is no text");
    const known = names.get(`${module} ${name}`);
    if (known === undefined) refused.add(`${module}.${name}`);
    stack.push(known === undefined ? REFUSED : "value" in known ? known.value : new Name(`${module}.${name}`, known));
  };
  const call = (callee: unknown, args: unknown) => {
    if (callee === REFUSED) return void stack.push(REFUSED);
    if (!(callee instanceof Name) || !Array.isArray(args) || "value" in callee.known)
      return fail("calls what is no function");
    stack.push(args.includes(REFUSED) ? REFUSED : callee.known.call(args));
  };
  const setItems = (target: unknown, items: readonly unknown[]) => {
    if (target === REFUSED) return;
    if (!(target instanceof Map) || items.length % 2 !== 0) return fail("puts items into what is no dict");
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  };
  const append = (target: unknown, items: readonly unknown[]) => {
    if (target === REFUSED) return;
    if (!Array.isArray(target)) return fail("appends to what is no list");
    for (const item of items) target.push(item);
  };
  const addItems = (target: unknown, items: readonly unknown[]) => {
    if (target === REFUSED) return;
    if (!(target instanceof Set)) return fail("adds to what is no set");
    for (const item of items) target.add(item);
  };
  /** What `__setstate__` would do: a state dict has `_metadata` there, the versions of its modules, which nobody needs. */
  const build = (target: unknown) => {
    if (target !== REFUSED && !(target instanceof Map)) fail("sets fields of what has none");
  };

  const run: Readonly<Record<number, () => void>> = {
    40: () => stack.push(MARK), // (
    41: () => stack.push([]), // ) EMPTY_TUPLE
    48: () => void pop(), // 0 POP
    49: () => void popToMark(), // 1 POP_MARK
    50: () => stack.push(top()), // 2 DUP
    66: () => stack.push(slice(u32())), // B BINBYTES
    67: () => stack.push(slice(u8())), // C SHORT_BINBYTES
    71: () => stack.push(view.getFloat64(take(8))), // G BINFLOAT, big-endian
    74: () => stack.push(view.getInt32(take(4), true)), // J BININT
    75: () => stack.push(u8()), // K BININT1
    77: () => stack.push(u16()), // M BININT2
    78: () => stack.push(null), // N NONE
    81: () => stack.push(persistentOf(pop())), // Q BINPERSID
    82: () => {
      const args = pop(); // R REDUCE
      call(pop(), args);
    },
    88: () => stack.push(text(u32())), // X BINUNICODE
    93: () => stack.push([]), // ] EMPTY_LIST
    97: () => {
      const item = pop(); // a APPEND
      append(top(), [item]);
    },
    98: () => {
      pop(); // b BUILD
      build(top());
    },
    99: () => {
      const module = line(); // c GLOBAL
      find(module, line());
    },
    101: () => {
      const items = popToMark(); // e APPENDS
      append(top(), items);
    },
    104: () => recall(u8()), // h BINGET
    106: () => recall(u32()), // j LONG_BINGET
    108: () => stack.push(popToMark()), // l LIST
    113: () => void memo.set(u8(), top()), // q BINPUT
    114: () => void memo.set(u32(), top()), // r LONG_BINPUT
    115: () => {
      const value = pop(); // s SETITEM
      const key = pop();
      setItems(top(), [key, value]);
    },
    116: () => stack.push(popToMark()), // t TUPLE
    117: () => {
      const items = popToMark(); // u SETITEMS
      setItems(top(), items);
    },
    125: () => stack.push(new Map()), // } EMPTY_DICT
    129: () => {
      const args = pop(); // NEWOBJ
      call(pop(), args);
    },
    133: () => stack.push([pop()]), // TUPLE1
    134: () => stack.push([pop(), pop()].reverse()), // TUPLE2
    135: () => stack.push([pop(), pop(), pop()].reverse()), // TUPLE3
    136: () => stack.push(true), // NEWTRUE
    137: () => stack.push(false), // NEWFALSE
    138: () => stack.push(long(u8())), // LONG1
    139: () => stack.push(long(u32())), // LONG4
    140: () => stack.push(text(u8())), // SHORT_BINUNICODE
    141: () => stack.push(text(u64())), // BINUNICODE8
    142: () => stack.push(slice(u64())), // BINBYTES8
    143: () => stack.push(new Set()), // EMPTY_SET
    144: () => {
      const items = popToMark(); // ADDITEMS
      addItems(top(), items);
    },
    145: () => stack.push(new Set(popToMark())), // FROZENSET
    147: () => {
      const name = pop(); // STACK_GLOBAL
      find(pop(), name);
    },
    148: () => void memo.set(memo.size, top()), // MEMOIZE
    149: () => void take(Math.min(8, bytes.length - at)), // FRAME: how long the next stretch is, which a reader may ignore
    150: () => stack.push(slice(u64())), // BYTEARRAY8
  };
  const persistentOf = (id: unknown) => (refused.size > 0 ? REFUSED : persistent(id));

  if (u8() !== 0x80) fail("does not begin with a protocol, so it is of protocol 0 or 1; protocols 2 to 5 can be read");
  const protocol = u8();
  if (protocol < 2 || protocol > 5) fail(`is of protocol ${protocol}; protocols 2 to 5 can be read`);
  for (let opcode = u8(); opcode !== 46; opcode = u8()) {
    const step = run[opcode];
    if (step === undefined)
      fail(
        `has the opcode 0x${opcode.toString(16)}, which ${opcode === 128 ? "stands at the beginning only" : "no state dict needs"}`,
      );
    else step();
  }
  if (refused.size > 0) {
    const whole = [...refused].some((name) => /^__main__\.|^torch\.nn\.modules\.|^__torch__\./.test(name));
    const list = [...refused].sort();
    throw new FileFormatError(
      `${what}: holds objects of ${shownNames(list)}, and no code of a file is ever run; ${
        whole
          ? "it is a whole model: in Python, torch.save(model.state_dict(), path) saves its weights alone"
          : "in Python, save what is known: tensors, numbers, texts, lists and dicts of them"
      }`,
    );
  }
  const value = pop();
  if (stack.length > 0) fail(`leaves ${stack.length} values more than the one`);
  return { value, end: at };
}

/** An argument of a function, for its checks. @throws FileFormatError */
export function badArguments(what: string, name: string, args: readonly unknown[]): never {
  throw new FileFormatError(
    `${what}: calls ${name} with ${shown(args)}, which is not what PyTorch writes; it is damaged`,
  );
}
