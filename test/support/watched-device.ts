/** A device whose every call is counted, by what it makes or moves. */

/** Calls of a device, its queue and its buffers since the last `reset`. */
export class DeviceWatch {
  /** Methods that make something, by name. */
  readonly made = new Map<string, number>();
  /** Labels of the buffers that were written, in order. */
  readonly written: string[] = [];
  submits = 0;
  /** Buffers that were mapped for reading. */
  reads = 0;
  /** Command encoders: the only thing that a replay may make. */
  encoders = 0;
  /** Buffers that were made and not destroyed yet; `reset` leaves them. */
  readonly alive = new Set<GPUBuffer>();

  /** Bytes of the buffers that are alive. */
  get bytes(): number {
    return [...this.alive].reduce((sum, { size }) => sum + size, 0);
  }

  reset(): void {
    this.made.clear();
    this.written.length = 0;
    this.submits = 0;
    this.reads = 0;
    this.encoders = 0;
  }
}

/** Watches a device from here on. Every method whose name begins with "create" or "import" makes something. */
export function watch(device: GPUDevice): DeviceWatch {
  const seen = new DeviceWatch();
  const methods = device as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (
    let type = Object.getPrototypeOf(device);
    type && type !== Object.prototype;
    type = Object.getPrototypeOf(type)
  ) {
    for (const name of Object.getOwnPropertyNames(type)) {
      if (!/^(create|import)/.test(name)) continue;
      const original = methods[name]!.bind(device);
      methods[name] = (...args) => {
        if (name === "createCommandEncoder") seen.encoders++;
        else seen.made.set(name, (seen.made.get(name) ?? 0) + 1);
        const result = original(...args);
        if (name === "createBuffer") watchBuffer(result as GPUBuffer, seen);
        return result;
      };
    }
  }
  const { queue } = device;
  const submit = queue.submit.bind(queue);
  queue.submit = (commands) => {
    seen.submits++;
    return submit(commands);
  };
  const write = queue.writeBuffer.bind(queue) as (...args: Parameters<GPUQueue["writeBuffer"]>) => undefined;
  queue.writeBuffer = (...args: Parameters<GPUQueue["writeBuffer"]>) => {
    seen.written.push(args[0].label);
    return write(...args);
  };
  for (const name of ["writeTexture", "copyExternalImageToTexture"] as const) {
    queue[name] = () => {
      throw new Error(`${name} was called`);
    };
  }
  return seen;
}

function watchBuffer(buffer: GPUBuffer, seen: DeviceWatch): void {
  const map = buffer.mapAsync.bind(buffer);
  buffer.mapAsync = (...args) => {
    seen.reads++;
    return map(...args);
  };
  seen.alive.add(buffer);
  const destroy = buffer.destroy.bind(buffer);
  buffer.destroy = () => {
    seen.alive.delete(buffer);
    return destroy();
  };
}
