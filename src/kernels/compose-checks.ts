import { blankComments, declaredNames, type Origin, ShaderError, type SourceLine, usedNames } from "./wgsl-text.ts";

// What may be wrong with WGSL that compiles all the same. A test has it looked for in the package's own shaders, so pages load this
// only with a cell of their own.

/** An include must earn its line: something that it declares is used by the rest of the text. */
function checkUsed(fragment: string, at: Origin, lines: readonly SourceLine[]): void {
  const textOf = (own: boolean) => lines.filter((line) => (line.file === fragment) === own).map((line) => line.text);
  const declared = declaredNames(textOf(true));
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

export const composeChecks = { checkUsed, checkBody };
export type ComposeChecks = typeof composeChecks;
