export { adadelta, adagrad, adamax, asgd, lion, nadam, radam, rprop } from "./more-optimizers";
export { adam, rmsprop, sgd } from "./optimizer";
export { product, productWorkspace, rowSums } from "./product";
export { addRows, clearRows, copyRows, dropRows, splitKept, zoneout } from "./rows";

/** The first byte that the module does not use itself. */
export function heapBase(): usize {
  return __heap_base;
}
