import { attentionCases } from "./onnx-attention-cases.ts";
import { axisCases, elementwiseCases, layoutCases, type OnnxCase, productCases } from "./onnx-cases.ts";
import { controlCases, recurrentCases } from "./onnx-recurrent-cases.ts";
import { windowCases } from "./onnx-window-cases.ts";

/** Every graph whose numbers are recorded from ONNX Runtime. */
export const allCases: readonly OnnxCase[] = [
  ...elementwiseCases,
  ...layoutCases,
  ...axisCases,
  ...productCases,
  ...recurrentCases,
  ...controlCases,
  ...windowCases,
  ...attentionCases,
];
