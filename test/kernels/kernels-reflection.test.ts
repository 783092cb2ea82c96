/** A kernel is written twice, in WGSL and in TypeScript: here the two must say the same. */
import { describe, expect, test } from "vitest";
import type * as Reflection from "wgsl_reflect";
// The package's main file is CommonJS although the package says "module" (1.6.0). Goes when Node can import it.
// @ts-expect-error: the file has no types beside it; they are those of the package
import * as reflection from "wgsl_reflect/wgsl_reflect.module.js";
import { kernels } from "../../src/kernels/index.ts";
import {
  type Binding,
  composeKernel,
  type Kernel,
  type Param,
  uniformOf,
  type Variant,
  variantsFor,
} from "../../src/kernels/kernel.ts";
import { operations } from "../../src/kernels/operations.ts";
import { blankComments, directiveOf, linesOf } from "../../src/kernels/wgsl-text.ts";
import type { Shader } from "../../src/shaders/shader.ts";
import { testCells } from "../support/cells-for-tests.ts";
import { shaderFiles, withComments } from "../support/shader-files.ts";

const { WgslReflect } = reflection as typeof Reflection;

interface Said {
  readonly bindings: readonly Binding[];
  readonly uniform: readonly Param[];
}

/** `[T,B,H]` at the beginning of the comment that ends a binding's line; the whole comment where it begins otherwise. */
const shapePattern = /var<[^>]*>\s*(\w+)\s*:[^;\n]*;[ \t]*\/\/\s*(\[[^\]]+\]|.+)/g;

interface Member {
  readonly name: string;
  readonly offset: number;
  readonly type: string;
}

/** Members one after the other: those of a nested struct by their own names, of an array of structs with the index behind. */
const flatMembers = (members: readonly Reflection.MemberInfo[], start = 0, suffix = ""): Member[] =>
  members.flatMap(({ name, offset, type }) => {
    const at = start + offset;
    if (type.isStruct) return flatMembers((type as Reflection.StructInfo).members, at, suffix);
    if (type.isArray) {
      const { count, stride, format } = type as Reflection.ArrayInfo;
      const { members: inside } = format as Reflection.StructInfo;
      return Array.from({ length: count }, (_, i) => flatMembers(inside, at + i * stride, `${i}`)).flat();
    }
    return [{ name: name + suffix, offset: at, type: type.name }];
  });

/** What the WGSL says, in the words of the descriptor. Throws where it has no such form at all. */
function fromWgsl(code: string): Said {
  const [group = [], ...others] = new WgslReflect(code).getBindGroups();
  if (others.length > 0) throw new Error("a kernel has one bind group, group 0");
  const [params, ...storage] = group;
  if (params?.name !== "params" || params.type.name !== "Params") throw new Error("binding 0 is `params: Params`");
  const shapes = new Map(Array.from(code.matchAll(shapePattern), ([, name, shape]) => [name, shape]));
  const missing = Array.from(storage, (binding) => binding === undefined).indexOf(true);
  if (missing >= 0) throw new Error(`there is no binding ${missing + 1}, but one above it`);
  const members = flatMembers(params.members ?? []);
  members.forEach(({ name, offset }, index) => {
    // The executor writes the members one after the other, four bytes each.
    if (offset !== 4 * index) throw new Error(`Params.${name} is at byte ${offset}, expected ${4 * index}`);
  });
  return {
    bindings: storage.map(({ name, access, format }) => ({
      name,
      access: access as Binding["access"],
      type: (format?.getTypeName() ?? "no array") as Binding["type"],
      shape: shapes.get(name) ?? "no shape in a trailing comment",
    })),
    uniform: members.map(({ name, type }) => ({ name, type: type as Param["type"] })),
  };
}

/**
 * The optimizers share one descriptor: there `K` stands for the number of moments that each of them keeps, and
 * `hyper` has a length of its own in each.
 */
function asWritten(said: Binding, { shape }: Binding): Binding {
  const dimensions = (text: string) => text.replace(/^\[|\]$/g, "").split(",");
  const written = dimensions(shape);
  const fits = dimensions(said.shape).every((dimension, axis) => dimension === "K" || dimension === written[axis]);
  const sameRank = dimensions(said.shape).length === written.length;
  // What follows the brackets explains them, and is not compared.
  const explained = said.shape.startsWith(`${shape} `);
  return (fits && sameRank) || explained || said.shape === "per step" ? { ...said, shape } : said;
}

const titled = Object.values(kernels).map((kernel) => [kernel.name, kernel] as const);

/** A kernel with each cell that goes with it, in the first variant of each. */
const withCells = (kernel: Kernel): (readonly [string, Variant])[] => {
  if (!kernel.runsCell) return [["no cell", { constants: kernel.variants[0]! }]];
  return testCells.flatMap((cell) =>
    variantsFor(kernel, cell)
      .slice(0, 1)
      .map((constants) => [cell.name, { constants, cell: cell.name }] as const),
  );
};

describe.each(titled)("%s", (_, kernel) => {
  test.each(withCells(kernel))("says the same in WGSL and TypeScript, with %s", (_, variant) => {
    const wgsl = fromWgsl(composeKernel({ ...kernel, shader: withComments(kernel.shader) }, variant).code);
    const bindings = kernel.bindings.map((said, index) => {
      const written = wgsl.bindings[index];
      return written ? asWritten(said, written) : said;
    });
    expect({ bindings, uniform: uniformOf(kernel) }).toEqual(wgsl);
  });

  test("its constants have the same names in every variant", () => {
    const names = kernel.variants.map((constants) => Object.keys(constants).sort().join(" "));
    expect(new Set(names).size).toBe(1);
  });

  test("uses every constant of its variants", () => {
    const source = withIncludes(kernel.shader.file);
    // ACROSS_UNITS chooses the file that stands for TILING.
    const words = Object.keys(kernel.variants[0]!).map((name) => (name === "ACROSS_UNITS" ? "TILING" : name));
    const unused = words.filter((word) => !new RegExp(`\\b${word}\\b`).test(source));
    expect(unused).toEqual([]);
  });
});

/** What may stand for the symbolic includes. */
const parts: Readonly<Record<string, readonly string[]>> = {
  TILING: ["lib/tiling-row.wgsl", "lib/tiling-block.wgsl", "lib/tiling-slices.wgsl"],
  ROW_VALUES: ["lib/rows-own.wgsl", "lib/rows-shared.wgsl"],
  WEIGHTS: ["lib/weights-f32.wgsl", "lib/weights-f16.wgsl", "lib/weights-int8.wgsl"],
  EXPRESSION: [...new Set(Object.values(operations).flatMap(({ includes = [] }) => includes.map(({ file }) => file)))],
  NORM: [...new Set(testCells.flatMap((cell) => cell.parts?.NORM?.file ?? []))],
  ...Object.fromEntries(
    ["STACK", "STACK_STEP", "STACK_PRODUCT", "STACK_OUTPUT"].map((name) => [
      name,
      Object.values(kernels).flatMap((kernel) => kernel.parts?.[name]?.file ?? []),
    ]),
  ),
};

/** The files that a shader file includes, with all that a symbolic name may stand for. */
const includesOf = (text: string): string[] =>
  Array.from(text.matchAll(/#include (?:"([^"]+)"|(\w+))/g), ([, file, symbol]) =>
    file === undefined ? (parts[symbol!] ?? []) : [file],
  ).flat();

/** A shader file and the files of lib that it includes. */
const withIncludes = (file: string): string =>
  [shaderFiles[file]!, ...includesOf(shaderFiles[file]!).map(withIncludes)].join("\n");

test("every shader file belongs to a kernel, a cell or lib", () => {
  const fragments = testCells.map(({ fragment }) => (fragment as Shader).file);
  const expected = new Set([...Object.values(kernels).map(({ shader }) => shader.file), ...fragments]);
  expect(
    Object.keys(shaderFiles)
      .filter((file) => !file.startsWith("lib/"))
      .sort(),
  ).toEqual([...expected].sort());
});

test("every file of lib is included by some kernel or cell", () => {
  const included = Object.values(shaderFiles).flatMap(includesOf);
  expect(Object.keys(shaderFiles).filter((file) => file.startsWith("lib/") && !included.includes(file))).toEqual([]);
});

describe("the comparison sees", () => {
  const source = `struct Params { n: u32, scale: f32, xOffset: u32, yOffset: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>; // [B,H] the input
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>; // [B,⌈H/4⌉]
@compute @workgroup_size(1) fn main() { y[0] = vec4f(x[0]); }
`;
  const same: Said = {
    bindings: [
      { name: "x", access: "read", type: "f32", shape: "[B,H]" },
      { name: "y", access: "read_write", type: "vec4f", shape: "[B,⌈H/4⌉]" },
    ],
    uniform: [
      { name: "n", type: "u32" },
      { name: "scale", type: "f32" },
      { name: "xOffset", type: "u32" },
      { name: "yOffset", type: "u32" },
    ],
  };

  test("that two agree", () => {
    expect(fromWgsl(source)).toEqual(same);
  });

  test.each([
    ["another name", "> x:", "> z:"],
    ["another access", "storage, read>", "storage, read_write>"],
    ["another element type", "array<f32>", "array<i32>"],
    ["another shape", "// [B,H]", "// [H,B]"],
    ["no shape", "// [B,H] the input", ""],
    ["another member", "scale: f32", "factor: f32"],
    ["another type of a member", "scale: f32", "scale: u32"],
    ["another order of members", "n: u32, scale: f32", "scale: f32, n: u32"],
  ])("%s", (_, from, to) => {
    const changed = source.replace(from, to);
    expect(changed).not.toBe(source);
    expect(fromWgsl(changed)).not.toEqual(same);
  });

  test("members of nested structs, and of an array of them, by their own names", () => {
    const nested = source.replace(
      "struct Params { n: u32, scale: f32,",
      "struct Size { n: u32, scale: f32, a: u32, b: u32 } struct Params { size: Size, steps: array<Size, 2>,",
    );
    const names = fromWgsl(nested).uniform.map(({ name }) => name);
    const own = ["n", "scale", "a", "b"];
    expect(names).toEqual([...own, ...own.map((n) => `${n}0`), ...own.map((n) => `${n}1`), "xOffset", "yOffset"]);
  });

  test("another order of bindings", () => {
    const changed = source.replace(/binding\((\d)\) var<storage/g, (_, n) => `binding(${3 - Number(n)}) var<storage`);
    expect(fromWgsl(changed).bindings).toEqual(same.bindings.toReversed());
  });

  test.each([
    ["padding in Params", "scale: f32", "scale: vec4f", "Params.scale is at byte 16, expected 4"],
    ["another binding 0", "> params: Params", "> uniforms: Params", "binding 0 is `params: Params`"],
    ["a gap between bindings", "binding(1)", "binding(3)", "there is no binding 1, but one above it"],
    ["a second group", "@group(0) @binding(2)", "@group(1) @binding(0)", "one bind group"],
  ])("%s", (_, from, to, message) => {
    expect(() => fromWgsl(source.replace(from, to))).toThrow(message);
  });
});

test("the shaders of a bundle are the files without comments and needless spaces, line by line", () => {
  /** Words and signs; words that grew together would be one. */
  const tokens = (line: string) => line.match(/\w+|[^\w\s]/g) ?? [];
  const seen = new Set<string>();
  const compare = ({ file, source, includes }: Shader) => {
    if (seen.has(file)) return;
    seen.add(file);
    includes.forEach(compare);
    const written = linesOf(shaderFiles[file]!, file).map(({ text }) => text);
    const plain = blankComments(written).map((code, i) => (directiveOf(written[i]!) ? written[i]! : code));
    expect(source.trimEnd().split("\n").map(tokens)).toEqual(plain.map(tokens));
    expect(source).not.toMatch(/^ |[\w)] [=*<(,]/m);
  };
  for (const { shader, parts = {} } of Object.values(kernels)) [shader, ...Object.values(parts)].forEach(compare);
  for (const { includes = [] } of Object.values(operations)) includes.forEach(compare);
  for (const { fragment, parts = {} } of testCells) [fragment as Shader, ...Object.values(parts)].forEach(compare);
  expect([...seen, ...parts.TILING!, ...parts.ROW_VALUES!].sort()).toEqual(Object.keys(shaderFiles).sort());
});

const { mutations } = (await import(new URL("../../scripts/mutations-list.mjs", import.meta.url).href)) as {
  readonly mutations: readonly {
    readonly name: string;
    readonly file: string;
    readonly edits: readonly (readonly [text: string, replacement: string])[];
  }[];
};

test.each(mutations.map(({ name, file, edits }) => [name, file, edits] as const))(
  "the deliberate mistake “%s” still finds its lines",
  (_, file, edits) => {
    let source = shaderFiles[file]!;
    for (const [text, replacement] of edits) {
      expect(source.split(text), text).toHaveLength(2);
      source = source.replace(text, () => replacement);
    }
  },
);
