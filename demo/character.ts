import { text } from "./language.ts";

/** A character as something that can be seen. */
export function showCharacter(character: string): string {
  if (character === " ") return `␣ (${text("space")})`;
  if (character === "\n") return `↵ (${text("lineEnd")})`;
  if (character === "\t") return `⇥ (${text("tab")})`;
  return `“${character}”`;
}
