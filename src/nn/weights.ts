import { pageName } from "../graph/build-plan.ts";
import { layoutParameters, type ParameterLayout } from "../graph/parameter-layout.ts";
import type { Backend, DeviceBuffer } from "../plan/backend.ts";
import { RandomStream } from "../random.ts";
import { type NumberArray, type StateDict, sizeOf, type TensorData } from "../tensor-data.ts";
import { checkStateDict, type Module, type NamedPart, namedParts, namePaths, parameterGroups } from "./module.ts";

/** A model's numbers on a backend. */
export class Weights {
  readonly model: Module;
  readonly layout: ParameterLayout;
  readonly parts: readonly NamedPart[];
  readonly #backend: Backend;
  readonly #pages: readonly DeviceBuffer[];

  readonly #isOwner: boolean;

  /**
   * Allocates memory and draws initial values from a seed, each parameter from a stream that bears its name; or takes those of
   * a model to which all of the parameters belong.
   */
  constructor(backend: Backend, model: Module, from: number | Weights) {
    this.model = model;
    this.#backend = backend;
    this.parts = namedParts(model);
    this.#isOwner = typeof from === "number";
    if (typeof from !== "number") {
      this.layout = from.layout;
      this.#pages = from.#pages;
      return;
    }
    namePaths(model);
    this.layout = layoutParameters(parameterGroups(model), backend.target.maxBufferSize);
    this.#pages = this.layout.pages.map((length, i) =>
      backend.allocate(pageName.parameter(i), "f32", Math.max(4, length)),
    );
    this.initialize(from);
  }

  initialize(seed: number): void {
    for (const part of this.parts) this.#write(part, part.initializer(part.shape, new RandomStream(seed, part.name)));
  }

  #write({ parameter, offset }: NamedPart, data: NumberArray): void {
    const place = this.layout.places.get(parameter)!;
    this.#backend.write(this.#pages[place.page]!, data, place.offset + offset);
  }

  /** The buffers that plans of this model share. */
  get bound(): Map<string, DeviceBuffer> {
    return new Map(this.#pages.map((page) => [page.name, page]));
  }

  async stateDict(): Promise<StateDict> {
    return this.pick(await this.#backend.read(this.#pages), "");
  }

  /** Names every parameter's numbers in buffers that are laid out as the arena (several arenas, one behind the other, with `slot`). */
  pick(pages: readonly NumberArray[], prefix: string, slot = 0): StateDict {
    return Object.fromEntries(
      this.parts.map(({ name, parameter, offset, shape }): [string, TensorData] => {
        const { page, offset: at } = this.layout.places.get(parameter)!;
        const start = slot * this.layout.pages[page]! + at + offset;
        return [prefix + name, { shape, data: pages[page]!.slice(start, start + sizeOf(shape)) }];
      }),
    );
  }

  /** The other way round: puts named numbers into arena-shaped buffers. */
  place(pages: readonly DeviceBuffer[], dict: StateDict, prefix: string, slot = 0): void {
    for (const { name, parameter, offset } of this.parts) {
      const { page, offset: at } = this.layout.places.get(parameter)!;
      this.#backend.write(pages[page]!, dict[prefix + name]!.data, slot * this.layout.pages[page]! + at + offset);
    }
  }

  /** @throws StateDictError when names or shapes differ; nothing is written then */
  load(dict: StateDict): void {
    for (const [part, tensor] of checkStateDict(this.model, dict)) this.#write(part, tensor.data);
  }

  dispose(): void {
    if (this.#isOwner) for (const page of this.#pages) this.#backend.free(page);
  }
}
