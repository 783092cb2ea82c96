/** Tables of mistakes: what is done, and the error that it must be. */
import { expect, test } from "vitest";

export interface Mistake {
  readonly name: string;
  readonly does: () => unknown;
  readonly error: abstract new (...args: never[]) => Error;
  readonly says: RegExp;
}

export const mistake = (name: string, error: Mistake["error"], says: RegExp, does: () => unknown): Mistake => ({
  name,
  error,
  says,
  does,
});

/** A number or a text as messages show it. */
export const quoted = (value: unknown): string => (typeof value === "string" ? `"${value}"` : String(value));

/** Passes a value that the types do not allow. */
export const wrong = <T>(value: unknown): T => value as T;

/** The error of what may throw at once, reject, or fail while it yields; undefined when nothing is wrong. */
export async function errorOf(does: () => unknown): Promise<unknown> {
  try {
    const result = await does();
    if (result !== null && typeof result === "object" && Symbol.asyncIterator in result)
      for await (const _ of result as AsyncIterable<unknown>);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** A test for each mistake. */
export const expectErrors = (mistakes: readonly Mistake[]): void => {
  test.each(mistakes.map((given) => [given.name, given] as const))("%s", async (_, { does, error, says }) => {
    const caught = await errorOf(does);
    expect(caught).toBeInstanceOf(error);
    expect((caught as Error).message).toMatch(says);
  });
};
