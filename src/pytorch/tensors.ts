import { FileFormatError, shown } from "../errors.ts";
import { type NumberArray, showShape } from "../tensor-data.ts";
import { elementTypes } from "./elements.ts";

/** Where the numbers of tensors lie, several of which may share one. */
export interface Storage {
  readonly key: string;
  /** Element type by PyTorch's name; undefined of an untyped one, whose tensors say it. */
  readonly dtype: string | undefined;
  /** Elements, or bytes of an untyped one. */
  readonly length: number;
}

/** A tensor as a pickle describes it: a view of a storage. */
export class View {
  readonly storage: Storage;
  readonly dtype: string;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  constructor(storage: Storage, dtype: string, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** A tensor of a file: its numbers, and the element type that it had there. */
export interface PyTorchTensor {
  readonly shape: readonly number[];
  readonly data: NumberArray;
  /** PyTorch's name of the element type in the file: `float32`, `bfloat16`, `int64`, … */
  readonly dtype: string;
}

/** PyTorch's own limit is 64. */
const MOST_AXES = 64;
/** Views may repeat what is stored (`expand`), tied weights a little; a file that asks for more was made to fill the memory. */
const MOST_GROWTH = 16;
const ALWAYS_ALLOWED = 2 ** 18;

/**
 * Reads views out of the storages of a file. Views that are the same give the same tensor.
 * @param bytesOf the bytes of a storage
 * @param fileLength how long the file is, which limits how many numbers its tensors may have together
 */
export function tensorReader(
  what: string,
  bytesOf: (storage: Storage) => Uint8Array,
  fileLength: number,
): (view: View) => PyTorchTensor {
  const most = MOST_GROWTH * fileLength + ALWAYS_ALLOWED;
  const storages = new Map<string, NumberArray>();
  const known = new Map<string, PyTorchTensor>();
  let total = 0;

  const elementsOf = ({ storage, dtype }: View): NumberArray => {
    const name = `${storage.key} ${dtype}`;
    let elements = storages.get(name);
    if (elements === undefined) {
      const type = elementTypes[dtype]!;
      const length = Math.floor(storage.dtype === undefined ? storage.length / type.bytes : storage.length);
      const bytes = bytesOf(storage);
      if (bytes.length < length * type.bytes)
        throw new FileFormatError(
          `${what}: storage ${shown(storage.key)} has ${bytes.length} bytes, and ${length} elements of ${dtype} need ${length * type.bytes}; the file is truncated or damaged`,
        );
      elements = type.decode(
        bytes.slice(0, length * type.bytes).buffer as ArrayBuffer,
        `${what}: storage ${shown(storage.key)}`,
      );
      storages.set(name, elements);
    }
    return elements;
  };

  return (view) => {
    const { storage, dtype, offset, shape, strides } = view;
    const key = JSON.stringify([storage.key, dtype, offset, shape, strides]);
    const same = known.get(key);
    if (same) return same;
    const fail = (why: string): never => {
      throw new FileFormatError(`${what}: a tensor ${showShape(shape)} of ${dtype} ${why}; the file is damaged`);
    };
    const counts = [offset, ...shape, ...strides];
    if (
      shape.length > MOST_AXES ||
      shape.length !== strides.length ||
      !counts.every((n) => Number.isSafeInteger(n) && n >= 0)
    )
      fail(`has offset ${shown(offset)} and strides ${shown(strides)}, which do not fit it`);
    const count = shape.reduce((product, n) => product * n, 1);
    total += count;
    if (!(total <= most))
      fail(`would make ${total} numbers of a file of ${fileLength} bytes, and ${most} is the most that are made of it`);
    const elements = elementsOf(view);
    const last = shape.reduce((place, n, axis) => place + (n - 1) * strides[axis]!, offset);
    if (count > 0 && !(last < elements.length)) fail(`reaches element ${last} of a storage of ${elements.length}`);
    const tensor = {
      shape: [...shape],
      data: count === 0 ? elements.slice(0, 0) : gather(elements, view, count),
      dtype,
    };
    known.set(key, tensor);
    return tensor;
  };
}

/** The elements of a view, one after the other. */
function gather(elements: NumberArray, { offset, shape, strides }: View, count: number): NumberArray {
  let dense = 1;
  const isDense = shape.every((_, i) => {
    const axis = shape.length - 1 - i;
    const fits = shape[axis] === 1 || strides[axis] === dense;
    dense *= shape[axis]!;
    return fits;
  });
  if (isDense) return elements.slice(offset, offset + count);
  const data = new (elements.constructor as new (length: number) => NumberArray)(count);
  const index = shape.map(() => 0);
  let place = offset;
  for (let i = 0; i < count; i++) {
    data[i] = elements[place]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      place += strides[axis]!;
      if (index[axis]! < shape[axis]!) break;
      place -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return data;
}
