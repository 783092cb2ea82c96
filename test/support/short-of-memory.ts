/** A device that plays being short of memory: larger buffers than it has memory for are refused as WebGPU says. */

/** Refuses buffers of more than `most` bytes from here on, until that is changed. */
export function shortOfMemory(device: GPUDevice): { most: number; readonly asked: Map<string, number> } {
  /** Sizes by label, the largest of each. */
  const asked = new Map<string, number>();
  const memory = { most: Number.POSITIVE_INFINITY, asked };
  const scopes: { readonly filter: GPUErrorFilter; error?: GPUError }[] = [];
  const [create, push, pop] = [device.createBuffer, device.pushErrorScope, device.popErrorScope].map((method) =>
    (method as (...args: never[]) => unknown).bind(device),
  ) as [GPUDevice["createBuffer"], GPUDevice["pushErrorScope"], GPUDevice["popErrorScope"]];
  device.pushErrorScope = (filter) => {
    scopes.push({ filter });
    return push(filter);
  };
  device.popErrorScope = async () => {
    const scope = scopes.pop();
    const error = await pop();
    return scope?.error ?? error;
  };
  device.createBuffer = (descriptor) => {
    const { label = "", size } = descriptor;
    asked.set(label, Math.max(size, asked.get(label) ?? 0));
    if (size <= memory.most) return create(descriptor);
    const scope = scopes.findLast(({ filter }) => filter === "out-of-memory");
    const error = new GPUOutOfMemoryError(`no ${size} bytes for ${label}`);
    if (scope) scope.error ??= error;
    else device.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
    // A buffer that is no use to anybody, as one that could not be allocated: without any usage it is refused.
    push("validation");
    const useless = create({ ...descriptor, usage: 0 });
    pop();
    return useless;
  };
  return memory;
}
