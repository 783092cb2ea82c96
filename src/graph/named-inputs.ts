import { ShapeError, shownNames } from "../errors.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Calls a function of inputs by name. One that is read and was not given is undefined, as ever; where the function then fails
 * over what is undefined, the error names the input.
 * @param who for messages: whose function it is
 * @throws what the function throws, as a ShapeError where an input that is not given is the reason
 */
export function callWithInputs<I extends Readonly<Record<string, Tensor>>, R>(
  who: string,
  inputs: I,
  call: (inputs: I) => R,
): R {
  const missing = new Set<string>();
  const watched = new Proxy(inputs, {
    get(target, name, receiver) {
      if (typeof name === "string" && !(name in target)) missing.add(name);
      return Reflect.get(target, name, receiver);
    },
  });
  try {
    return call(watched);
  } catch (error) {
    if (missing.size === 0 || !(error instanceof Error) || !error.message.includes("undefined")) throw error;
    throw new ShapeError(
      `${who} reads ${shownNames([...missing])}, which is not among the inputs that it is given (${shownNames(Object.keys(inputs))}): ${error.message}`,
    );
  }
}
