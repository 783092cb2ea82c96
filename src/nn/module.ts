import { StateDictError, shown, shownNames } from "../errors.ts";
import { Tensor } from "../graph/tensor.ts";
import { dtypeOf, type Shape, type StateDict, sameShape, showShape, sizeOf, type TensorData } from "../tensor-data.ts";
import type { Initializer } from "./init.ts";

/** A part of a parameter under its own name in a state dict: a stretch of the first axis. */
export interface ParameterPart {
  readonly name: string;
  readonly shape: Shape;
  /** Default: the parameter's. */
  readonly initializer?: Initializer;
}

/**
 * A weight: its shape and how it starts. Values live on a runtime's device, not here.
 * A parameter may consist of `parts`, stacked along its first axis, that bear names of their own in a state dict
 * (a bidirectional layer's two directions).
 */
export class Parameter {
  readonly shape: Shape;
  readonly initializer: Initializer;
  readonly parts: readonly ParameterPart[] | undefined;
  /** Parameters of one module with the same group stay together in memory. */
  readonly group: string;
  /** The parameter in a graph. */
  readonly tensor: Tensor;
  /** Its path in the model, set when a runtime takes the model up. */
  name = "parameter";

  constructor(
    shape: Shape,
    initializer: Initializer,
    options: { parts?: readonly ParameterPart[]; group?: string } = {},
  ) {
    this.shape = shape;
    this.initializer = initializer;
    this.parts = options.parts;
    this.group = options.group ?? "";
    this.tensor = new Tensor(shape, "f32", { source: { kind: "parameter", parameter: this } });
  }
}

/**
 * A part of a model, as torch.nn.Module: fields that are parameters or modules are found by themselves, under their field
 * names, and so are those in arrays (torch's ModuleList) and plain objects (ModuleDict) in fields; what a runtime has taken up
 * keeps the layers that it had then. A runtime keeps each parameter once: a part of a model that it has, or another module around
 * the same layers, shares the model's weights. `forward` works on symbolic tensors and is traced once for each shape.
 */
export abstract class Module {
  /** Where the module stands in its model (`encoder.rnn`), for error messages; set when a runtime takes the model up. */
  path = "";

  abstract forward(...args: never[]): unknown;

  /** `LSTM "encoder"`, for messages. */
  get title(): string {
    return this.path ? `${this.constructor.name} "${this.path}"` : this.constructor.name;
  }

  /** The path, or the class's name in lower case: labels in a plan. */
  get label(): string {
    return this.path || this.constructor.name.toLowerCase();
  }
}

/** A piece of a parameter with its name in the state dict. */
export interface NamedPart {
  readonly name: string;
  readonly parameter: Parameter;
  /** Where the part begins in the parameter, in elements. */
  readonly offset: number;
  readonly shape: Shape;
  readonly initializer: Initializer;
}

type Found = (path: string, value: Module | Parameter, owner: Module) => void;

/** Whether modules may lie in it: an array, or a plain object. */
const isContainer = (value: unknown): value is object =>
  Array.isArray(value) ||
  (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype);

/** All modules and parameters below `within`, which belongs to `owner`, in the order of fields. */
function visit(owner: Module, found: Found, path = "", within: object = owner, above: readonly object[] = []): void {
  for (const [name, value] of Object.entries(within)) {
    const at = path ? `${path}.${name}` : name;
    if (value instanceof Parameter) found(at, value, owner);
    else if (value instanceof Module) {
      found(at, value, owner);
      visit(value, found, at);
    } else if (isContainer(value) && !above.includes(value)) visit(owner, found, at, value, [...above, value]);
  }
}

/** All modules below a model, by path; one that has several paths by each of them. */
export function modulesOf(model: Module): Map<string, Module> {
  const modules = new Map<string, Module>();
  visit(model, (path, value) => {
    if (value instanceof Module) modules.set(path, value);
  });
  return modules;
}

/** Tells every module and parameter of a model its path. */
export function namePaths(model: Module): void {
  visit(model, (path, value) => {
    if (value instanceof Parameter) value.name = path;
    else value.path = path;
  });
}

/** A model's parameters, each once, in groups that stay together in memory. */
export function parameterGroups(model: Module): Parameter[][] {
  const groups = new Map<Module, Map<string, Parameter[]>>();
  const seen = new Set<Parameter>();
  visit(model, (_, value, owner) => {
    if (!(value instanceof Parameter) || seen.has(value)) return;
    seen.add(value);
    const own = groups.get(owner) ?? new Map<string, Parameter[]>();
    groups.set(owner, own);
    own.set(value.group, [...(own.get(value.group) ?? []), value]);
  });
  return [...groups.values()].flatMap((own) => [...own.values()]);
}

/** Everything that a state dict of the model holds. A shared parameter appears under each of its names, as in PyTorch. */
export function namedParts(model: Module): NamedPart[] {
  const named: NamedPart[] = [];
  visit(model, (path, value) => {
    if (!(value instanceof Parameter)) return;
    if (!value.parts) {
      named.push({ name: path, parameter: value, offset: 0, shape: value.shape, initializer: value.initializer });
      return;
    }
    const prefix = path.slice(0, path.lastIndexOf(".") + 1);
    let offset = 0;
    for (const { name, shape, initializer = value.initializer } of value.parts) {
      named.push({ name: prefix + name, parameter: value, offset, shape, initializer });
      offset += sizeOf(shape);
    }
  });
  return named;
}

/** How many numbers a model learns. */
export const parameterCount = (model: Module): number =>
  parameterGroups(model)
    .flat()
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** What is wrong with a tensor that is to become a parameter, or a number that goes with it. */
export function faultsOf(name: string, { shape, data }: TensorData, expected: Shape): string[] {
  if (!sameShape(shape, expected)) return [`${name} has ${showShape(shape)}, the model ${showShape(expected)}`];
  if (data.length !== sizeOf(shape))
    return [`${name} has ${data.length} values, its shape ${showShape(shape)} needs ${sizeOf(shape)}`];
  return dtypeOf(data) === "f32" ? [] : [`${name} holds ${dtypeOf(data)}, the model f32`];
}

/**
 * Where names would fit if they began in another way, with a prefix that is taken off, put in front or exchanged: which one,
 * and how to change it. Undefined where that would not give at least half of the names that are missing.
 */
function wrongPrefix(
  missing: readonly string[],
  unexpected: readonly string[],
): { readonly fault: string; readonly wayOut: string } | undefined {
  const wanted = new Set(missing);
  for (const theirs of unexpected.slice(0, MOST_TRIED)) {
    const words = theirs.split(".");
    for (let i = 0; i < words.length; i++) {
      const end = words.slice(i).join(".");
      const like = missing.find((name) => name === end || name.endsWith(`.${end}`));
      if (!like) continue;
      const [has, needs] = [theirs, like].map((name) => name.slice(0, name.length - end.length)) as [string, string];
      const fitting = unexpected.filter((name) => name.startsWith(has) && wanted.has(needs + name.slice(has.length)));
      if (2 * fitting.length < missing.length) break;
      const begin = (prefix: string) => (prefix ? `begin with ${shown(prefix)}` : "do not");
      const fault = has
        ? `its names begin with ${shown(has)}, the model's ${begin(needs)}`
        : `the model's names begin with ${shown(needs)}, those of the state dict do not`;
      const rename = has
        ? `rename them: Object.fromEntries(Object.entries(dict).map(([name, tensor]) => [name.replace(${shown(has)}, ${shown(needs)}), tensor]))`
        : `put ${shown(needs)} in front of them`;
      const isTrainers = has === "model." && !needs;
      return {
        fault,
        wayOut: isTrainers ? `${rename}; the state dict of a trainer is for trainer.loadStateDict` : rename,
      };
    }
  }
  return undefined;
}

/** Names of a state dict that are looked at for a prefix; files may hold very many. */
const MOST_TRIED = 20;

/**
 * Checks that a state dict is exactly the model's.
 * @throws StateDictError listing what is missing, what is too many, and shapes that differ
 */
export function checkStateDict(model: Module, dict: StateDict): Map<NamedPart, TensorData> {
  const parts = namedParts(model);
  const known = new Set(parts.map(({ name }) => name));
  const missing = parts.filter(({ name }) => !(name in dict)).map(({ name }) => name);
  const unexpected = Object.keys(dict).filter((name) => !known.has(name));
  const wrong = parts.flatMap(({ name, shape }) => (name in dict ? faultsOf(name, dict[name]!, shape) : []));
  const more = wrong.length > 8 ? `; … (${wrong.length} in all)` : "";
  const prefix = wrongPrefix(missing, unexpected);
  const faults = [
    prefix?.fault ?? "",
    missing.length ? `missing: ${shownNames(missing)}` : "",
    unexpected.length ? `unexpected: ${shownNames(unexpected)}` : "",
    wrong.length ? `other shapes or types: ${wrong.slice(0, 8).join("; ")}${more}` : "",
  ].filter(Boolean);
  if (faults.length) {
    const wayOut = prefix
      ? prefix.wayOut
      : unexpected.length + wrong.length === 0
        ? "to load a part of the weights, add the others: { ...(await runtime.stateDict(model)), ...part }"
        : "build the model with the sizes that it was saved with";
    throw new StateDictError(`the state dict does not fit the model; ${faults.join("; ")}; ${wayOut}`);
  }
  return new Map(parts.map((p) => [p, dict[p.name]!]));
}
