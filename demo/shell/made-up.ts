/** Texts that pages make up. */
import { RandomStream } from "webgpu-rnn";

export interface MadeUpOptions {
  readonly count: number;
  readonly seed: number;
}

/** Sentences made up from templates. `{this|that}` is one of the two; braces may stand in braces, and a choice may be empty. */
export function madeUp(templates: readonly string[], { count, seed }: MadeUpOptions): string[] {
  const random = new RandomStream(seed, "made-up sentences");
  const pick = (all: readonly string[]) => all[Math.floor(random.next() * all.length)]!;
  const fill = (template: string): string => {
    let text = template;
    while (text.includes("{")) text = text.replace(/\{([^{}]*)\}/g, (_, choices: string) => pick(choices.split("|")));
    return text.replace(/ +/g, " ").trim();
  };
  return Array.from({ length: count }, () => fill(pick(templates)));
}
