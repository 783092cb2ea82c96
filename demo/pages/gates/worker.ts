import { serve } from "../../shell/training-worker.ts";
import { look, run } from "./reading.ts";

export const questions = { look };

export default serve(run, questions);
