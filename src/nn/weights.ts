import { DisposedError } from "../errors.ts";
import { layoutParameters, type ParameterLayout, pageName } from "../graph/parameter-layout.ts";
import type { Backend, DeviceBuffer, Memory, Owner } from "../plan/backend.ts";
import type { BufferSpec } from "../plan/plan.ts";
import { RandomStream } from "../random.ts";
import { type NumberArray, type StateDict, sizeOf, type TensorData } from "../tensor-data.ts";
import { checkStateDict, type Module, type NamedPart, namedParts, namePaths, parameterGroups } from "./module.ts";

/**
 * A model's numbers on a backend: its parameters, and the memory that its plans share: gradients, and what is derived from
 * weights. Those of a model whose parameters all belong to another one are a view of that one's.
 */
export class Weights implements Memory {
  readonly model: Module;
  readonly layout: ParameterLayout;
  readonly parts: readonly NamedPart[];
  /** Of the parameters, in the order of the layout. */
  readonly pages: readonly DeviceBuffer[];
  /** What the model is called in `Runtime.memory`. */
  readonly name: string;
  readonly #backend: Backend;
  /** Gradients and derived buffers by name. A view's are its model's. */
  readonly #shared: Map<string, DeviceBuffer>;
  readonly #owner: Owner;
  /** The weights that these are a view of. */
  readonly viewOf: Weights | undefined;
  #disposed = false;

  /**
   * Allocates memory and draws initial values from a seed, each parameter from a stream that bears its name; or takes those of
   * a model to which all of the parameters belong.
   * @param name what `Runtime.memory` calls the model; default its class
   */
  constructor(backend: Backend, model: Module, from: number | Weights, name = model.constructor.name) {
    this.model = model;
    this.#backend = backend;
    this.parts = namedParts(model);
    if (typeof from !== "number") {
      this.viewOf = from.viewOf ?? from;
      this.name = from.name;
      this.layout = from.layout;
      this.pages = from.pages;
      this.#shared = from.#shared;
      this.#owner = from.#owner;
      return;
    }
    this.viewOf = undefined;
    this.name = name;
    this.#owner = { model: this.name, part: "weights" };
    this.#shared = new Map();
    namePaths(model);
    this.layout = layoutParameters(parameterGroups(model), backend.target.maxBufferSize);
    this.pages = this.layout.pages.map((length, i) =>
      backend.allocate(
        { name: pageName.parameter(i), role: "parameter", dtype: "f32", length: Math.max(4, length) },
        this.#owner,
      ),
    );
    this.initialize(from);
  }

  initialize(seed: number): void {
    for (const part of this.parts) this.#write(part, part.initializer(part.shape, new RandomStream(seed, part.name)));
  }

  #write({ parameter, offset }: NamedPart, data: NumberArray): void {
    const place = this.layout.places.get(parameter)!;
    this.#backend.write(this.pages[place.page]!, data, place.offset + offset);
  }

  /** How often parameters were written: by the host or by a step of training. */
  get version(): number {
    return this.pages.reduce((sum, { version }) => sum + version, 0);
  }

  get #isReleased(): boolean {
    return (this.viewOf ?? this).#disposed;
  }

  /** @throws DisposedError when the weights were released, as they may be while a plan waits to be loaded */
  check(): void {
    if (this.#isReleased)
      throw new DisposedError(`${this.name} was released; what was made for it is to be made again`);
  }

  /** @throws as `check` */
  find({ role, name }: BufferSpec): DeviceBuffer | undefined {
    this.check();
    if (role === "parameter") return this.pages.find((page) => page.name === name);
    return role === "gradient" || role === "derived" ? this.#shared.get(name) : undefined;
  }

  ownerOf({ role }: BufferSpec): Owner | undefined {
    return role === "gradient" || role === "derived" ? this.#owner : undefined;
  }

  keep(buffer: DeviceBuffer): void {
    // Released while the plan was loaded, which goes as well.
    if (this.#isReleased) this.#backend.free(buffer);
    else this.#shared.set(buffer.name, buffer);
  }

  /** The numbers of other memory of the same backend. */
  read(buffers: readonly DeviceBuffer[]): Promise<NumberArray[]> {
    return this.#backend.read(buffers);
  }

  async stateDict(): Promise<StateDict> {
    return this.pick(await this.#backend.read(this.pages), "");
  }

  /** Names every parameter's numbers in buffers that are laid out as the arena. */
  pick(pages: readonly NumberArray[], prefix: string): StateDict {
    return Object.fromEntries(
      this.parts.map(({ name, parameter, offset, shape }): [string, TensorData] => {
        const { page, offset: at } = this.layout.places.get(parameter)!;
        return [prefix + name, { shape, data: pages[page]!.slice(at + offset, at + offset + sizeOf(shape)) }];
      }),
    );
  }

  /** The other way round: writes the named numbers that are given into buffers that are laid out as the arena. */
  writeInto(pages: readonly (DeviceBuffer | undefined)[], dict: StateDict, prefix: string): void {
    for (const { name, parameter, offset } of this.parts) {
      const { page, offset: at } = this.layout.places.get(parameter)!;
      const tensor = dict[prefix + name];
      if (tensor) this.#backend.write(pages[page]!, tensor.data, at + offset);
    }
  }

  /** @throws StateDictError when names or shapes differ; nothing is written then */
  load(dict: StateDict): void {
    for (const [part, tensor] of checkStateDict(this.model, dict)) this.#write(part, tensor.data);
  }

  dispose(): void {
    if (this.viewOf) return;
    this.#disposed = true;
    for (const buffer of [...this.pages, ...this.#shared.values()]) this.#backend.free(buffer);
    this.#shared.clear();
  }
}
