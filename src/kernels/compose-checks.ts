import { blankComments, declaredNames, type Origin, ShaderError, type SourceLine, usedNames } from "./wgsl-text.ts";

// What may be wrong with WGSL that compiles all the same. A test has it looked for in the package's own shaders, so pages load this
// only with a cell of their own.

/** An include must earn its line: something that it declares is used by the rest of the text, or it is statements of a function. */
function checkUsed(fragment: string, at: Origin, lines: readonly SourceLine[]): void {
  const textOf = (own: boolean) => lines.filter((line) => (line.file === fragment) === own).map((line) => line.text);
  const own = textOf(true);
  const declared = declaredNames(own);
  if (declared.size === 0 && blankComments(own).some((code) => code.trim() !== "")) return;
  const used = usedNames(textOf(false));
  for (const name of declared) if (used.has(name)) return;
  const names = [...declared].join(", ") || "nothing";
  throw new ShaderError(
    at,
    `the include of "${fragment}" is unused: it declares ${names}, and the rest uses none of it`,
  );
}

/** Refuses what would change its meaning, or lose it, once the loop is gone. */
function checkBody(body: readonly SourceLine[], variable: string): void {
  const blocks: ("loop" | "switch" | "block")[] = [];
  let next: "loop" | "switch" | "block" = "block";
  const codes = blankComments(body.map((line) => line.text));
  for (const [index, code] of codes.entries()) {
    const at = body[index] as SourceLine;
    for (const [token] of code.matchAll(/[{}]|\b(?:for|while|loop|switch|break|continue)\b/g)) {
      if (token === "{") {
        blocks.push(next);
        next = "block";
      } else if (token === "}") blocks.pop();
      else if (token === "switch") next = "switch";
      else if (token === "break" || token === "continue") {
        const inside = blocks.includes("loop") || (token === "break" && blocks.includes("switch"));
        if (!inside)
          throw new ShaderError(at, `\`${token}\` leaves a loop that #unroll removes; use a condition instead`);
      } else next = "loop";
    }
    if (new RegExp(`\\b(?:var|let|const)\\s+${variable}\\b`).test(code)) {
      throw new ShaderError(
        at,
        `\`${variable}\` is declared again inside the loop over \`${variable}\` that #unroll replaces`,
      );
    }
  }
}

/** What is wrong with a line, in words. */
const faults = {
  cellNotIncluded: (cell: string) => `was given the cell "${cell}", but no line says \`// #include CELL\``,
  noSuchFile: (file: string, known: readonly string[]) =>
    `there is no shader file "${file}" (there are: ${known.join(", ") || "none"})`,
  noSuchDirective: (name: string) => `there is no directive #${name} (there are: #include, #unroll)`,
  includeCycle: (stack: readonly string[]) => `the includes form a cycle: ${stack.join(" -> ")}`,
  noCell: () => "`#include CELL` needs the option `cell`, and none was given",
  noIncludeTarget: (argument: string) => `#include takes "a/file.wgsl" in quotes or CELL, not \`${argument}\``,
  noConstantName: (name: string) => `"${name}" is no name for a WGSL constant`,
  noConstantValue: (name: string, value: unknown) =>
    `the constant ${name} is ${value}, expected a boolean or an integer from 0 to 2^32 - 1`,
  unrollArgument: (argument: string) => `#unroll takes no argument, but was given \`${argument}\``,
  unrollHeader: (header: string | undefined) =>
    "#unroll must stand on the line before `for (var i = 0u; i < BOUND; i++) {`" +
    (header === undefined ? ", but the file ends here" : `, but that line is \`${header}\``),
  unrollOpen: () => "the loop after #unroll has no closing brace",
  unrollBound: (factor: string, bound: string, known: readonly string[]) =>
    `#unroll needs a bound of integers and prelude constants joined by * and +, ` +
    `but \`${factor}\` in \`${bound}\` is neither (integer constants of this prelude: ${known.join(", ") || "none"})`,
  unrollCopies: (bound: string, sum: number, most: number) =>
    `#unroll of \`${bound}\` would make ${sum} copies of the body; at most ${most}`,
};
export type Faults = typeof faults;

function say<K extends keyof Faults>(name: K, ...of: Parameters<Faults[K]>): string {
  return (faults[name] as (...of: unknown[]) => string)(...of);
}

export const composeChecks = { checkUsed, checkBody, say };
export type ComposeChecks = typeof composeChecks;
