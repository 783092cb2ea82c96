// The platform's objects that the published types speak of, by shape: so these compile with and without TypeScript's DOM
// library, with and without @webgpu/types, and under every TypeScript from 5.4 on. scripts/check-types.mjs holds it.

/** A `GPUDevice`, whether TypeScript's DOM library, @webgpu/types or nothing declares it: the part of it that is used here. */
export interface WebGPUDevice {
  readonly features: object;
  readonly limits: object;
  readonly lost: Promise<{ readonly message: string }>;
  readonly queue: {
    submit(commands: never): void;
    writeBuffer(buffer: never, offset: number, data: never): void;
  };
  createBindGroup(descriptor: never): object;
  createBindGroupLayout(descriptor: never): object;
  createBuffer(descriptor: never): object;
  createCommandEncoder(descriptor?: never): object;
  createComputePipelineAsync(descriptor: never): Promise<object>;
  createPipelineLayout(descriptor: never): object;
  createShaderModule(descriptor: never): object;
  destroy(): void;
  popErrorScope(): Promise<{ readonly message: string } | null>;
  pushErrorScope(filter: never): void;
}

/** An `AbortSignal`: the part of it that is used here. */
export interface Signal {
  readonly aborted: boolean;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** `Uint8Array<ArrayBuffer>`, which a Blob takes; TypeScript before 5.7 calls it `Uint8Array`. */
export type Bytes = ReturnType<Uint8Array["slice"]>;
