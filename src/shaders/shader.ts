/** A WGSL file of shaders/, as scripts/shaders.mjs brings it here: without its comments, lines and columns as they are. */
export interface Shader {
  /** Its path in shaders/, such as `lib/clip.wgsl`. */
  readonly file: string;
  readonly source: string;
  /** The files that it includes by their names. */
  readonly includes: readonly Shader[];
}
