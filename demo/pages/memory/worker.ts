import { serve } from "../../shell/training-worker.ts";
import { example, run } from "./race.ts";

export const questions = { example };

export default serve(run, questions);
