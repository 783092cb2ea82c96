// To PyTorch: re-exports only.
export { type ExportPyTorchOptions, exportPyTorch, type PyTorchProject } from "./export-project.ts";
