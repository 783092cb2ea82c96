/** What is known about an adapter; texts that it does not tell are empty. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Computes on the CPU: lavapipe, SwiftShader. */
  readonly software: boolean;
}

/** Something that was tried to get an adapter. */
export interface Candidate {
  readonly name: string;
  readonly outcome: string;
}
