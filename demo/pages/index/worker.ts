import { serve } from "../../shell/training-worker.ts";
import { measure } from "./program.ts";

export default serve(async function* (runtime) {
  for await (const view of measure(runtime)) yield { step: view.updates, steps: 0, view };
});
