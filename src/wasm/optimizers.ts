import { direct } from "./direct.ts";

export const optimizerNatives = {
  adadelta: direct("adadelta"),
  adagrad: direct("adagrad"),
  adam: direct("adam"),
  adamax: direct("adamax"),
  asgd: direct("asgd"),
  ftrl: direct("ftrl"),
  lion: direct("lion"),
  nadam: direct("nadam"),
  radam: direct("radam"),
  rmsprop: direct("rmsprop"),
  rprop: direct("rprop"),
  sgd: direct("sgd"),
};
