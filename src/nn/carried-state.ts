import type { AnyBatch } from "../data/batch.ts";
import { ShapeError, StateDictError } from "../errors.ts";
import { type CarriedSpec, carryName } from "../graph/trace.ts";
import type { Backend, DeviceBuffer, LoadedPlan, Memory, Owner } from "../plan/backend.ts";
import type { BufferSpec, View } from "../plan/plan.ts";
import {
  type DType,
  type NumberArray,
  type Shape,
  type StateDict,
  sameShape,
  showShape,
  sizeOf,
} from "../tensor-data.ts";

interface State {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Along the first axis, in order. */
  readonly parts: readonly { readonly name: string; readonly shape: Shape }[];
}

/** Where a part of a state lies. */
interface Place {
  readonly buffer: DeviceBuffer;
  readonly offset: number;
}

/**
 * States that go on from call to call, by path, in memory of their own that several plans may share. Memory is made when a plan
 * is loaded that carries them; values that are set before that wait for it.
 */
export class CarriedState {
  readonly #backend: Backend;
  readonly #owner: Owner;
  readonly #states = new Map<string, State>();
  readonly #buffers = new Map<string, DeviceBuffer>();
  /** By the name of a part. */
  readonly #places = new Map<string, Place>();
  #waiting: StateDict = {};
  #disposed = false;

  constructor(backend: Backend, owner: Owner) {
    this.#backend = backend;
    this.#owner = owner;
  }

  /** Whether a plan carries a state that is there in another shape. */
  fits(specs: readonly CarriedSpec[]): boolean {
    return specs.every(({ path, shape }) => {
      const known = this.#shapeOf(path);
      return !known || sameShape(known, shape);
    });
  }

  #shapeOf(path: string): Shape | undefined {
    return this.#states.get(path)?.shape ?? this.#waiting[path]?.shape;
  }

  /** @throws ShapeError when a plan carries a state that is there in another shape */
  check(specs: readonly CarriedSpec[]): void {
    for (const { path, shape } of specs) {
      const known = this.#shapeOf(path);
      if (known && !sameShape(known, shape))
        throw new ShapeError(
          `the carried state ${path} is ${showShape(known)}, this batch needs ${showShape(shape)}; keep the number of rows, or train with carryState: false`,
        );
    }
  }

  /** The memory of plans that carry these states; `rest` is that of everything else. */
  memory(rest: Memory): Memory {
    return {
      find: (spec) => (spec.role === "state" ? this.#buffers.get(spec.name) : rest.find(spec)),
      ownerOf: (spec) => (spec.role === "state" ? this.#owner : rest.ownerOf(spec)),
      keep: (buffer) => (buffer.role === "state" ? this.#keep(buffer) : rest.keep(buffer)),
    };
  }

  #keep(buffer: DeviceBuffer): void {
    // Disposed while the plan was loaded, which goes as well.
    if (this.#disposed) this.#backend.free(buffer);
    else this.#buffers.set(buffer.name, buffer);
  }

  /** Notes the states of a plan that was loaded with this memory, and writes what waited for that. */
  attach(specs: readonly CarriedSpec[], loaded: LoadedPlan): void {
    if (this.#disposed) return;
    for (const { path, shape, parts } of specs) {
      if (this.#states.has(path)) continue;
      for (const { name, to } of parts) {
        const before = loaded.plan.states?.[name]?.before;
        // A state that is handed back as it came, and read nowhere, is in no plan.
        const spec = { name, role: "state", dtype: to.dtype, length: to.size } as const;
        if (before) this.#move(name, before, loaded);
        else this.#places.set(name, { buffer: this.#buffers.get(name) ?? this.#made(spec), offset: 0 });
      }
      const { dtype } = parts[0]!.to;
      this.#states.set(path, { shape, dtype, parts: parts.map(({ name, to }) => ({ name, shape: to.shape })) });
      const waiting = this.#waiting[path];
      delete this.#waiting[path];
      if (waiting) this.#write(path, waiting.data);
    }
  }

  #made(spec: BufferSpec): DeviceBuffer {
    const buffer = this.#backend.allocate(spec, this.#owner);
    this.#buffers.set(spec.name, buffer);
    return buffer;
  }

  /** Notes where a replay of a plan left the states. */
  ran(loaded: LoadedPlan): void {
    for (const [name, { after }] of Object.entries(loaded.plan.states ?? {})) this.#move(name, after, loaded);
  }

  #move(name: string, { buffer, offset }: View, { plan }: LoadedPlan): void {
    this.#places.set(name, { buffer: this.#buffers.get(plan.buffers[buffer]!.name)!, offset });
  }

  /** Sets a state. @param data of all its parts, one after the other */
  #write(path: string, data: NumberArray): void {
    let at = 0;
    for (const { name, shape } of this.#states.get(path)!.parts) {
      const size = sizeOf(shape);
      const { buffer, offset } = this.#places.get(name)!;
      this.#backend.write(buffer, data.subarray(at, at + size), offset);
      at += size;
    }
  }

  /** All that holds states, for reading them with `stateDict`. */
  get buffers(): readonly DeviceBuffer[] {
    return [...new Set([...this.#places.values()].map(({ buffer }) => buffer))];
  }

  /** What is carried, by path. */
  get states(): ReadonlyMap<string, { readonly shape: Shape; readonly dtype: DType }> {
    return this.#states;
  }

  /** @throws ShapeError when a batch resets a row that is not there */
  checkRows({ resetState }: Pick<AnyBatch, "resetState">): void {
    if (Array.isArray(resetState)) for (const [path, { shape }] of this.#states) rowOffsets(path, shape, resetState);
  }

  /** Sets to zero what a batch says. @throws ShapeError for a row that is not there */
  resetFor({ resetState }: Pick<AnyBatch, "resetState">): void {
    if (resetState === true) this.reset();
    else if (Array.isArray(resetState)) this.reset(resetState);
  }

  /**
   * Sets the states to what they begin with, in all rows or in some.
   * @param starts by path, where that is not zero
   * @throws ShapeError for a row that is not there
   */
  reset(rows?: readonly number[], starts: Readonly<Record<string, NumberArray>> = {}): void {
    if (rows === undefined) {
      this.#waiting = {};
      for (const [path, { shape, dtype }] of this.#states) this.#write(path, starts[path] ?? zeros(dtype, shape));
      return;
    }
    // All of them are looked at before the first is written.
    const writes = [...this.#states].flatMap(([path, { parts, dtype }]) => {
      let begin = 0;
      return parts.flatMap(({ name, shape }) => {
        const { offsets, size: row } = rowOffsets(path, shape, rows);
        const from = begin;
        begin += sizeOf(shape);
        return offsets.map((at) => () => {
          const data = starts[path]?.subarray(from + at, from + at + row) ?? zeros(dtype, [row]);
          const { buffer, offset } = this.#places.get(name)!;
          this.#backend.write(buffer, data, offset + at);
        });
      });
    });
    for (const write of writes) write();
  }

  /**
   * Tells how to take the states, as `carry.<path>`, from the numbers of `buffers`. To be called together with the read: where
   * they lie may be another place after the next replay.
   */
  reader(): (values: readonly NumberArray[]) => StateDict {
    const { buffers } = this;
    const waiting = Object.entries(this.#waiting);
    const states = [...this.#states].map(([path, { shape, dtype, parts }]) => ({
      path,
      shape,
      dtype,
      parts: parts.map((part) => ({ ...this.#places.get(part.name)!, size: sizeOf(part.shape) })),
    }));
    return (values) => {
      const dict: StateDict = {};
      for (const { path, shape, dtype, parts } of states) {
        const data = zeros(dtype, shape, values[0]);
        let at = 0;
        for (const { buffer, offset, size } of parts) {
          data.set(values[buffers.indexOf(buffer)]!.subarray(offset, offset + size), at);
          at += size;
        }
        dict[carryName(path)] = { shape, data };
      }
      for (const [path, tensor] of waiting) dict[carryName(path)] = tensor;
      return dict;
    };
  }

  /** @throws StateDictError when states, by path, do not have the shapes that they have here */
  checkDict(states: StateDict): void {
    for (const [path, { shape }] of Object.entries(states)) {
      const known = this.#states.get(path);
      if (known && !sameShape(known.shape, shape)) {
        throw new StateDictError(
          `carry.${path} has shape ${showShape(shape)}, this trainer's is ${showShape(known.shape)}; resume with the same batch size`,
        );
      }
    }
  }

  /** Sets the states, by path; those that are not given start at zero. */
  load(states: StateDict): void {
    this.reset();
    for (const [path, tensor] of Object.entries(states)) {
      if (this.#states.has(path)) this.#write(path, tensor.data);
      else this.#waiting[path] = tensor;
    }
  }

  /** Forgets the states: the plans that are loaded next may have others. */
  clear(): void {
    for (const buffer of this.#buffers.values()) this.#backend.free(buffer);
    this.#buffers.clear();
    this.#places.clear();
    this.#states.clear();
  }

  dispose(): void {
    this.#disposed = true;
    this.clear();
  }
}

/** As the values that they stand beside, float64 on the CPU. */
function zeros(dtype: DType, shape: Shape, like?: NumberArray): NumberArray {
  if (dtype === "i32") return new Int32Array(sizeOf(shape));
  return like instanceof Float64Array ? new Float64Array(sizeOf(shape)) : new Float32Array(sizeOf(shape));
}

/**
 * Where the numbers of some rows lie in a state `[L,B,...]`, as offsets of stretches of `size` numbers.
 * @throws ShapeError for a row that the state does not have
 */
function rowOffsets(
  name: string,
  shape: Shape,
  rows: readonly number[],
): { readonly offsets: readonly number[]; readonly size: number } {
  const [layers, B, ...row] = shape;
  if (layers === undefined || B === undefined)
    throw new ShapeError(`resetState: ${name} has shape ${showShape(shape)}, rows are known of states [L,B,...] only`);
  for (const row of rows) {
    if (!Number.isInteger(row) || row < 0 || row >= B)
      throw new ShapeError(`resetState: row ${row} of ${name} ${showShape(shape)}, expected 0 to ${B - 1}`);
  }
  const size = sizeOf(row);
  const offsets = rows.flatMap((at) => Array.from({ length: layers }, (_, layer) => (layer * B + at) * size));
  return { offsets, size };
}
