import { direct } from "./direct.ts";

/** Ftrl raises to a power of the user's; it is left to its twin. */
export const optimizerNatives = {
  adadelta: direct("adadelta"),
  adagrad: direct("adagrad"),
  adam: direct("adam"),
  adamax: direct("adamax"),
  asgd: direct("asgd"),
  lion: direct("lion"),
  nadam: direct("nadam"),
  radam: direct("radam"),
  rmsprop: direct("rmsprop"),
  rprop: direct("rprop"),
  sgd: direct("sgd"),
};
