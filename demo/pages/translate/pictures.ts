export { Attention } from "./attention.tsx";
export { BeamTree } from "./beam-tree.tsx";
