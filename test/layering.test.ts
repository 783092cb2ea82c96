/** The order of the folders: who may import whom, who may name what, and how long a file may be. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = (folder: string, pattern: RegExp): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => posix.join(posix.relative(root, entry.parentPath), entry.name))
    .filter((file) => !/(^|\/)(dist|api|node_modules|screenshots|assembly)\/|\.generated\.ts$/.test(file))
    .sort();

/** A function of a file that is computed once: several tests ask for the same file. */
function once<R>(compute: (file: string) => R): (file: string) => R {
  const known = new Map<string, R>();
  return (file) => {
    if (!known.has(file)) known.set(file, compute(file));
    return known.get(file)!;
  };
}

const textOf = once((file) => readFileSync(join(root, file), "utf8"));
const parse = (file: string, text: string) => ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
const parsed = once((file) => parse(file, textOf(file)));

interface Import {
  readonly file: string;
  /** A file of ours, or a package. */
  readonly target: string;
  readonly typeOnly: boolean;
  /** Loaded when the program comes there: `import()`. */
  readonly onDemand: boolean;
}

/** Every import, export-from and import() of a parsed file. */
function importsIn(source: ts.SourceFile): Import[] {
  const file = source.fileName;
  const found: Import[] = [];
  const add = (specifier: ts.Expression | undefined, typeOnly: boolean, onDemand = false) => {
    if (!specifier || !ts.isStringLiteralLike(specifier)) return;
    const { text: target } = specifier;
    found.push({
      file,
      target: target.startsWith(".") ? posix.join(dirname(file), target) : target,
      typeOnly,
      onDemand,
    });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false, true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
const importsOf = once((file) => importsIn(parsed(file)));

const sources = files("src", /\.ts$/);

/** `src/gpu/gpu-plan.ts` is in `gpu`; a file that lies in src itself is its own layer. */
const layerOf = (file: string): string => file.split("/").slice(1, 2).join().replace(/\.ts$/, "");

/** What every layer may use. */
const ground = ["errors", "tensor-data", "random", "shaders", "platform-types"];
/** From the bottom to the top: a layer and the layers below it that it may import. */
const below: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  "tensor-data": [],
  random: [],
  "platform-types": [],
  shaders: [],
  cells: [],
  plan: [],
  data: [],
  io: [],
  kernels: ["cells", "plan"],
  cpu: ["kernels", "cells", "plan"],
  wasm: ["natives-on-demand", "cpu", "kernels", "cells", "plan"],
  gpu: ["load-on-demand", "kernels", "cells", "plan"],
  adapter: [],
  graph: ["kernels", "cells", "plan"],
  nn: ["graph", "kernels", "cells", "plan", "data"],
  train: ["load-on-demand", "nn", "graph", "kernels", "cells", "plan", "data", "io"],
  infer: ["nn", "graph", "kernels", "cells", "plan", "data", "io"],
  // Below those who load on demand, with what they load above: a test sees that nobody else does.
  "load-on-demand": ["on-demand", "graph"],
  "natives-on-demand": ["on-demand", "wasm"],
  tuning: ["cpu", "train", "infer", "nn", "graph", "kernels", "plan", "data", "io", "adapter"],
  "open-host": ["open-backend", "wasm", "cpu", "adapter", "plan"],
  "beside-wasm": ["infer", "wasm", "nn", "plan"],
  "on-demand": ["tuning", "beside-wasm", "open-host", "train", "infer", "nn", "graph", "kernels"],
  "open-backend": ["load-on-demand", "tuning", "gpu", "adapter", "plan"],
  runtime: [
    "tuning",
    "beside-wasm",
    "open-backend",
    "load-on-demand",
    "train",
    "infer",
    "nn",
    "graph",
    "plan",
    "data",
    "io",
  ],
  "char-model": ["train", "nn", "graph", "cells", "data", "io"],
  testing: ["runtime", "nn", "graph", "kernels", "cells"],
  index: ["testing", "tuning", "char-model", "runtime", "train", "infer", "nn", "graph", "cells", "plan", "data", "io"],
  // On the public API only.
  tasks: ["index"],
  // What takes models in and out: the public API, and the graphs, layers and files behind it.
  onnx: ["index", "nn", "graph", "kernels", "cells", "io"],
  archive: [],
  pytorch: ["archive", "index", "io"],
  keras: ["archive", "index", "nn", "io"],
  sound: ["onnx", "index"],
  node: ["index", "tuning", "adapter", "wasm", "io"],
  cli: [
    "node",
    "archive",
    "pytorch",
    "tasks",
    "tuning",
    "kernels",
    "onnx",
    "keras",
    "sound",
    "index",
    "char-model",
    "adapter",
    "open-backend",
    "runtime",
    "train",
    "infer",
    "nn",
    "graph",
    "cells",
    "plan",
    "data",
    "io",
  ],
};

/**
 * Packages that a layer may import, which work in a page under a content security policy without eval: those of entries that the
 * package's main one never reaches.
 */
const packages: Readonly<Record<string, readonly string[]>> = {
  onnx: ["pbf"],
  archive: ["fflate"],
  keras: ["jsfive"],
  sound: ["fft.js"],
};

const upward = ({ file, target }: Import): boolean => {
  const from = layerOf(file);
  const to = layerOf(target);
  return target.startsWith("src/") && from !== to && !ground.includes(to) && !below[from]?.includes(to);
};
const shown = (imports: readonly Import[]) => imports.map(({ file, target }) => `${file} imports ${target}`);

describe("imports", () => {
  test("point down only", () => {
    expect(sources.filter((file) => below[layerOf(file)] === undefined)).toEqual([]);
    expect(shown(sources.flatMap((file) => importsOf(file)).filter(upward))).toEqual([]);
  });

  test("of what is loaded on demand are one import() each", () => {
    const loaded = ["src/on-demand.ts", "src/natives-on-demand.ts"];
    const all = sources.flatMap((file) => importsOf(file)).filter(({ target }) => loaded.includes(target));
    expect(shown(all.filter(({ onDemand }) => onDemand))).toEqual([
      "src/load-on-demand.ts imports src/on-demand.ts",
      "src/wasm/wasm-backend.ts imports src/natives-on-demand.ts",
    ]);
    expect(shown(all.filter(({ onDemand }) => !onDemand))).toEqual([
      "src/natives-on-demand.ts imports src/on-demand.ts",
    ]);
  });

  test("of the ground reach nothing but errors", () => {
    const fromGround = sources.filter((file) => ground.includes(layerOf(file))).flatMap((file) => importsOf(file));
    expect(shown(fromGround.filter(({ target }) => target !== "src/errors.ts"))).toEqual([]);
  });

  test("of src never leave it, and the demo sees the public face only", () => {
    const out = sources
      .flatMap((file) => importsOf(file))
      .filter(({ target }) => /^(\.\.|demo|bench|test|scripts)\b/.test(target));
    expect(shown(out)).toEqual([]);
    const demo = files("demo", /\.ts$/).flatMap((file) => importsOf(file));
    expect(shown(demo.filter(({ target }) => target.startsWith("src/") && target !== "src/index.ts"))).toEqual([]);
  });

  test("of Node and of Dawn stand in the files that only Node loads", () => {
    const nodeOnly =
      /^src\/(cli\/|node\.ts|adapter\/(node-\w+|dawn-adapter|swiftshader|tar)\.ts|io\/(files|temporary-file|cache-folder)\.ts)/;
    const others = sources.filter((file) => !nodeOnly.test(file)).flatMap((file) => importsOf(file));
    const ours = ({ file, target }: Import) => target.startsWith("src/") || packages[layerOf(file)]?.includes(target);
    expect(shown(others.filter((one) => !ours(one)))).toEqual([]);
  });

  test("never lead from the public face to a file that only Node loads", () => {
    const open = ["src/index.ts"];
    const seen = new Set(open);
    for (let file = open.pop(); file; file = open.pop()) {
      for (const { target, typeOnly } of importsOf(file)) {
        if (typeOnly || seen.has(target) || target.endsWith(".generated.ts")) continue;
        seen.add(target);
        if (target.startsWith("src/")) open.push(target);
      }
    }
    expect(
      [...seen].filter(
        (target) =>
          !target.startsWith("src/") ||
          /node-|dawn-|swiftshader|\/tar\.ts|\/files\.ts|\/temporary-file\.ts|\/cache-folder\.ts|\/cli\//.test(target),
      ),
    ).toEqual([]);
    expect(seen.size).toBeGreaterThan(50);
  });

  test("by the package's name give Deno, which knows Node's condition too, the entry that needs no permission", () => {
    const conditions = Object.entries(JSON.parse(textOf("package.json")).exports["."] as Record<string, string>);
    const entryFor = (known: readonly string[]) =>
      conditions.find(([condition]) => condition === "default" || known.includes(condition))?.[1];
    expect(entryFor(["deno", "node", "import"])).toBe("./dist/index.js");
    expect(entryFor(["node", "import"])).toBe("./dist/node.js");
    expect(entryFor(["browser", "import"])).toBe("./dist/index.js");
  });

  test("the comparison sees every kind of import", () => {
    const text = `import a from "../gpu/a.ts";
import type { B } from "../runtime.ts";
export * from "../cli/c.ts";
const d = await import("../train/d.ts");
import "../kernels/e.ts";
import { f } from "../errors.ts";`;
    const imports = importsIn(parse("src/graph/x.ts", text));
    expect(imports.filter(upward).map(({ target }) => target)).toEqual([
      "src/gpu/a.ts",
      "src/runtime.ts",
      "src/cli/c.ts",
      "src/train/d.ts",
    ]);
    expect(imports.map(({ typeOnly }) => typeOnly)).toEqual([false, true, false, false, false, false]);
  });
});

/** A TypeScript file's text without its comments, which may name what the code may not. */
const codeOf = once((file) => ts.createPrinter({ removeComments: true }).printFile(parsed(file)));

/** Names of cells; the package's own name is none. */
const cellName = /lstm|gru|indrnn|\bmgu|\bsru|(?<!webgpu-)\brnn/i;

describe("names", () => {
  test("of cells stand with the cells and the modules; the engine runs any cell", () => {
    const engine = sources.filter((file) => /^src\/(gpu|adapter|graph|cpu|plan|kernels)\//.test(file));
    expect(engine.length).toBeGreaterThan(30);
    expect(engine.filter((file) => cellName.test(codeOf(file)))).toEqual([]);
    const shaders = files("shaders", /\.wgsl$/).filter((file) => !file.startsWith("shaders/cells/"));
    expect(shaders.filter((file) => cellName.test(textOf(file).replace(/\/\/.*/g, "")))).toEqual([]);
  });

  test("of WebGPU's objects stand in src/gpu and src/adapter", () => {
    const elsewhere = sources.filter((file) => !/^src\/(gpu|adapter)\//.test(file));
    expect(elsewhere.filter((file) => /\bGPU[A-Z]\w+|navigator\.gpu/.test(codeOf(file)))).toEqual([]);
  });

  test("of files are in kebab-case, and never helper, manager or utils", () => {
    const all = [
      ...sources,
      ...files("test", /./),
      ...files("shaders", /./),
      ...files("scripts", /\.(mjs|ts|sh)$/),
      ...files("demo", /./),
      ...files("bench", /./),
    ];
    const stems = all.filter((file) => !file.startsWith("test/recorded/")).map((file) => posix.basename(file));
    expect(stems.filter((stem) => !/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(stem))).toEqual(
      [".npmrc", "README.md"].filter((name) => stems.includes(name)),
    );
    expect(stems.filter((stem) => /helper|manager|utils?\b/.test(stem))).toEqual([]);
  });
});

test("no file is over 400 lines without a reason in its header", () => {
  const all = ["src", "shaders", "test", "demo", "bench", "scripts"].flatMap((folder) =>
    files(folder, /\.(ts|mjs|wgsl|py|css|html|sh)$/),
  );
  expect(all.length).toBeGreaterThan(100);
  const long = all.filter((file) => textOf(file).split("\n").length > 401);
  expect(
    long.filter((file) => !/longer than|over 400 lines/.test(textOf(file).split("\n").slice(0, 15).join("\n"))),
  ).toEqual([]);
});
