import type { Operators } from "../operator.ts";
import { attentions } from "./attention.ts";
import { control } from "./control.ts";
import { convolutions } from "./convolution.ts";
import { elementwise } from "./elementwise.ts";
import { layout } from "./layout.ts";
import { normalization } from "./normalization.ts";
import { products } from "./products.ts";
import { quantization } from "./quantization.ts";
import { recurrent } from "./recurrent.ts";
import { reductions } from "./reductions.ts";
import { shapes } from "./shapes.ts";

/** All operators that are known, by name. */
export const operators: Operators = {
  ...attentions,
  ...control,
  ...convolutions,
  ...elementwise,
  ...layout,
  ...normalization,
  ...products,
  ...quantization,
  ...recurrent,
  ...reductions,
  ...shapes,
};
