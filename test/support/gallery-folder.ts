// Where the files of one run of Vitest find the gallery that the first of them built.
import { tmpdir } from "node:os";
import { join } from "node:path";

/** @param run the process that starts the workers */
export const galleryFolder = (run: number): string => join(tmpdir(), `webgpu-rnn-gallery-${run}`);
