import { describe, expect, test } from "vitest";
import { describeMessages } from "../../src/kernels/compile-error.ts";
import { compose, preludeFile, ShaderError } from "../../src/kernels/compose.ts";
import { composeChecks } from "../../src/kernels/compose-checks.ts";
import { blankComments, declaredNames } from "../../src/kernels/wgsl-text.ts";
import { shaderOf } from "../support/shader-files.ts";

const lib = "fn twice(x: f32) -> f32 { return 2.0 * x; }\n";
const one = (source: string) => ({ "k.wgsl": source });

/** The composed text without indentation and empty lines, which carry no meaning. */
function squeezed(code: string): string[] {
  return code
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** The error of composing `k.wgsl`; a missing error fails the test. */
function errorOf(sources: Record<string, string>, options: Parameters<typeof compose>[1] = {}): ShaderError {
  try {
    compose(shaderOf(sources), { checks: composeChecks, ...options });
  } catch (error) {
    if (error instanceof ShaderError) return error;
    throw error;
  }
  throw new Error("composing succeeded");
}

describe("prelude", () => {
  test("holds the constants, then the given lines, before everything else", () => {
    const { code } = compose(shaderOf(one("fn f() {}\n")), {
      constants: { ROWS: 4, SAVE: true, LAST: false },
      prelude: "struct State { h: f32 }",
    });
    expect(code).toBe(
      "const ROWS = 4u;\nconst SAVE = true;\nconst LAST = false;\nstruct State { h: f32 }\nfn f() {}\n",
    );
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 32])("refuses the constant %d", (value) => {
    const error = errorOf(one("fn f() {}\n"), { constants: { A: 1, ROWS: value } });
    expect(error.message).toBe(
      `${preludeFile}:2: the constant ROWS is ${value}, expected a boolean or an integer from 0 to 2^32 - 1`,
    );
  });

  test("refuses a name that WGSL has not", () => {
    expect(errorOf(one("fn f() {}\n"), { constants: { "a b": 1 } }).message).toContain('"a b" is no name');
  });

  test("enable lines of any file come before the constants", () => {
    const { code, origin } = compose(shaderOf(one("// first\nenable f16;\nfn f() {}\n")), { constants: { A: 1 } });
    expect(squeezed(code)).toEqual(["enable f16;", "const A = 1u;", "// first", "fn f() {}"]);
    expect(origin(1)).toEqual({ file: "k.wgsl", line: 2 });
  });
});

describe("include", () => {
  test("puts the file in place of the line, once", () => {
    const { code } = compose(
      shaderOf({
        "k.wgsl": '// #include "lib/a.wgsl"\n// #include "lib/b.wgsl"\nfn main() { a(); b(); }\n',
        "lib/a.wgsl": '// #include "lib/b.wgsl"\nfn a() { b(); }\n',
        "lib/b.wgsl": "fn b() {}\n",
      }),
    );
    expect(squeezed(code)).toEqual(["fn b() {}", "fn a() { b(); }", "fn main() { a(); b(); }"]);
  });

  test("CELL is the fragment of the chosen cell", () => {
    const kernel = shaderOf(one("// #include CELL\nfn main() { cell(); }\n"));
    const cell = shaderOf({ "cells/mine.wgsl": "\nfn cell() { _ = 9; }" }, "cells/mine.wgsl");
    const { code, origin } = compose(kernel, { cell });
    expect(squeezed(code)).toEqual(["fn cell() { _ = 9; }", "fn main() { cell(); }"]);
    expect(origin(2)).toEqual({ file: "cells/mine.wgsl", line: 2 });
  });

  test.each([
    ["an unknown file", one('fn f() {}\n// #include "lib/x.wgsl"\n'), 'k.wgsl:2: there is no shader file "lib/x.wgsl"'],
    ["a name that every object has", one('// #include "toString"\n'), 'k.wgsl:1: there is no shader file "toString"'],
    ["a missing quote", one("// #include lib/x.wgsl\n"), "k.wgsl:1: #include takes"],
    ["CELL without a cell", one("// #include CELL\n"), "k.wgsl:1: `#include CELL` needs the option `cell`"],
    ["an unknown directive", one("// #inlcude CELL\n"), "k.wgsl:1: there is no directive #inlcude"],
    ["the file itself", one('// #include "k.wgsl"\n'), "k.wgsl:1: the includes form a cycle: k.wgsl -> k.wgsl"],
    [
      "a cycle",
      { "k.wgsl": '// #include "a.wgsl"\n', "a.wgsl": '\n// #include "b.wgsl"\n', "b.wgsl": '// #include "a.wgsl"\n' },
      "b.wgsl:1: the includes form a cycle: a.wgsl -> b.wgsl -> a.wgsl",
    ],
    [
      "an unused file",
      { "k.wgsl": '\n// #include "lib.wgsl"\nfn main() {}\n', "lib.wgsl": lib },
      'k.wgsl:2: the include of "lib.wgsl" is unused: it declares twice, and the rest uses none of it',
    ],
    [
      "a file that only a comment uses",
      { "k.wgsl": '// #include "lib.wgsl"\nfn main() {} // twice\n', "lib.wgsl": lib },
      'k.wgsl:1: the include of "lib.wgsl" is unused',
    ],
    [
      "a file whose name is only a member",
      { "k.wgsl": '// #include "lib.wgsl"\nfn main() { _ = a.twice; }\n', "lib.wgsl": lib },
      "is unused",
    ],
    [
      "a file that declares nothing",
      { "k.wgsl": '// #include "lib.wgsl"\nfn main() {}\n', "lib.wgsl": "// only words\n" },
      "it declares nothing",
    ],
  ])("refuses %s", (_, sources, message) => {
    expect(errorOf(sources).message).toContain(message);
  });

  test("refuses a cell that nothing includes", () => {
    const cell = shaderOf({ "cells/gru.wgsl": "fn cell() {}\n" }, "cells/gru.wgsl");
    expect(errorOf(one("fn main() {}\n"), { cell }).message).toBe(
      'k.wgsl:1: was given the cell "cells/gru.wgsl", but no line says `// #include CELL`',
    );
  });
});

describe("unroll", () => {
  const unrolled = (source: string, constants: Record<string, number | boolean> = {}) =>
    squeezed(compose(shaderOf(one(source)), { constants }).code).slice(Object.keys(constants).length);

  test("repeats the body in its own block with the literal in place of the variable", () => {
    const source = `
// #unroll
for (var i = 0u; i < 3; i++) {
  let xi = x[i] + s.i; // i in words stays legal
  y[i * 2u] = xi;
}
done();
`;
    const body = (n: number) => ["{", expect.stringContaining(`let xi = x[${n}u] + s.i;`), `y[${n}u * 2u] = xi;`, "}"];
    expect(unrolled(source)).toEqual([...body(0), ...body(1), ...body(2), "done();"]);
  });

  test("takes products and sums of literals and prelude constants as the bound", () => {
    const copies = (bound: string) =>
      unrolled(`// #unroll\nfor (var i = 0u; i < ${bound}; i += 1u) { f(i); }\n`, { ROWS: 2, GATES: 3 }).filter(
        (line) => line.startsWith("f("),
      ).length;
    expect([copies("2u"), copies("ROWS"), copies("ROWS * GATES"), copies("GATES*2u + ROWS + 1"), copies("0u")]).toEqual(
      [2, 2, 6, 9, 0],
    );
  });

  test("takes constants from the prelude's lines too", () => {
    const { code } = compose(shaderOf(one("// #unroll\nfor (var i = 0u; i < GATES; i++) { f(i); }\n")), {
      prelude: "const GATES = 2u;",
    });
    expect(code).toContain("f(1u);");
    expect(code).not.toContain("f(2u);");
  });

  test("nests, and an inner bound may be an outer variable", () => {
    const source = `
// #unroll
for (var r = 0u; r < 2u; r++) {
  // #unroll
  for (var g = 0u; g < r + 1; g++) { f(r, g); }
}
`;
    expect(unrolled(source).filter((line) => line.startsWith("f"))).toEqual(["f(0u, 0u);", "f(1u, 0u);", "f(1u, 1u);"]);
  });

  test("keeps what follows the loop on its last line, and braces in comments do not count", () => {
    const source = "// #unroll\nfor (var i = 0u; i < 1; i++) { // {{{\n  f(i); /* } */\n} g();\n";
    expect(unrolled(source)).toEqual(["{", "// {{{", "f(0u); /* } */", "}", "g();"]);
  });

  test("allows break and continue that belong to a loop or switch inside", () => {
    const source = `
// #unroll
for (var i = 0u; i < 2u; i++) {
  for (var k = 0u; k < n; k++) { if (k == i) { continue; } if (k > 4u) { break; } }
  switch i { case 0u: { break; } default: {} }
}
`;
    expect(unrolled(source).filter((line) => line.includes("continue"))).toHaveLength(2);
  });

  const loop = (body: string, bound = "2u") => `\n// #unroll\nfor (var i = 0u; i < ${bound}; i++) {\n${body}\n}\n`;
  test.each([
    ["break", loop("if (x) { break; }"), "k.wgsl:4: `break` leaves a loop"],
    ["continue in a switch", loop("switch i { default: { continue; } }"), "k.wgsl:4: `continue` leaves a loop"],
    [
      "break in an inner unrolled loop",
      loop("// #unroll\nfor (var j = 0u; j < 2u; j++) { break; }"),
      "k.wgsl:5: `break`",
    ],
    ["an unknown bound", loop("f(i);", "params.rows"), "`params.rows` in `params.rows` is neither"],
    ["a division", loop("f(i);", "8u / 2u"), "`8u / 2u`"],
    ["a huge bound", loop("f(i);", "40 * 40"), "k.wgsl:3: #unroll of `40 * 40` would make 1600 copies"],
    ["a second declaration", loop("let i = 3u;"), "k.wgsl:4: `i` is declared again"],
    ["no loop", "// #unroll\nlet a = 1;\n", "k.wgsl:1: #unroll must stand on the line before"],
    ["another start", "// #unroll\nfor (var i = 1u; i < 2u; i++) { }\n", "k.wgsl:1: #unroll must stand"],
    ["the end of the file", "// #unroll\n", "but the file ends here"],
    [
      "a missing brace",
      "// #unroll\nfor (var i = 0u; i < 2u; i++) {\nf(i);\n",
      "k.wgsl:2: the loop after #unroll has no",
    ],
    ["an argument", "// #unroll 4\nfor (var i = 0u; i < 2u; i++) { }\n", "#unroll takes no argument"],
  ])("refuses %s", (_, source, message) => {
    expect(errorOf(one(source)).message).toContain(message);
  });

  test("refuses a boolean as a bound and lists the integers", () => {
    const error = errorOf(one(loop("f(i);", "SAVE")), { constants: { SAVE: true, ROWS: 4 } });
    expect(error.message).toContain("(integer constants of this prelude: ROWS)");
  });
});

describe("origin", () => {
  const composed = compose(
    shaderOf({
      "k.wgsl":
        '// #include "lib.wgsl"\nfn main() {\n  // #unroll\n  for (var i = 0u; i < 2; i++) {\n    g(i);\n  }\n  tail(twice(1));\n}\n',
      "lib.wgsl": lib,
    }),
    { constants: { A: 1 } },
  );

  test("maps every line back to where it was written", () => {
    const lines = composed.code.trimEnd().split("\n");
    const places = lines.map((text, index) => {
      const { file, line } = composed.origin(index + 1);
      return `${file}:${line} ${text.trim()}`;
    });
    expect(places).toEqual([
      `${preludeFile}:1 const A = 1u;`,
      `lib.wgsl:1 ${lib.trim()}`,
      "k.wgsl:2 fn main() {",
      "k.wgsl:4 {",
      "k.wgsl:5 g(0u);",
      "k.wgsl:6 }",
      "k.wgsl:4 {",
      "k.wgsl:5 g(1u);",
      "k.wgsl:6 }",
      "k.wgsl:7 tail(twice(1));",
      "k.wgsl:8 }",
    ]);
  });

  test("a compiler's message names the real file and quotes the line", () => {
    const text = describeMessages(composed, [
      { type: "error", message: "no function g", lineNum: 8, linePos: 5 },
      { type: "warning", message: "nowhere", lineNum: 0, linePos: 0 },
    ]);
    expect(text).toBe("k.wgsl:5:5: error: no function g\n    g(1u);\nwarning: nowhere");
  });
});

describe("lexical facts", () => {
  test("block comments nest and span lines", () => {
    expect(blankComments(["a /* b /* c", "*/ d */ e // f", "// /*", "g"])).toEqual([
      "a          ",
      "        e     ",
      "     ",
      "g",
    ]);
  });

  test("only module scope declares names", () => {
    const source = [
      "const a = 1u;",
      "override b: u32;",
      "alias c = f32;",
      "struct d { var1: f32 }",
      "fn e() { let f = 1; var g = 2; const h = 3; }",
      "var<workgroup> i: array<f32, 4>;",
      "@group(0) @binding(1) var<storage, read> j: array<f32>;",
    ];
    expect([...declaredNames(source)]).toEqual(["a", "b", "c", "d", "e", "i", "j"]);
  });
});
