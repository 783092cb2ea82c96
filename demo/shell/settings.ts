/** Settings of a page, kept in the hash of its address, so that the address shares them: `#seed=3&cell=gru`. */
import { batch, effect, type Signal, signal } from "@preact/signals";

export type Setting = number | string | boolean;

/** Which values a setting may have; of a number also its least and its largest. */
export type Allowed<S> = { readonly [K in keyof S]?: readonly S[K][] | { readonly min: number; readonly max: number } };

/** Milliseconds between two changes of the address: browsers refuse more than a hundred in half a minute. */
const WRITE_EVERY = 400;

type Widened<V> = V extends number ? number : V extends boolean ? boolean : V;

/** A value as an address has it; the default for what is not allowed. */
function parsed(given: string | null, usual: Setting, allowed: Allowed<Record<string, Setting>>[string]): Setting {
  if (given === null) return usual;
  const value =
    typeof usual === "number" ? Number(given || Number.NaN) : typeof usual === "boolean" ? given === "true" : given;
  if (typeof value === "number" && !Number.isFinite(value)) return usual;
  if (allowed === undefined) return value;
  if ("min" in allowed) return (value as number) >= allowed.min && (value as number) <= allowed.max ? value : usual;
  return allowed.includes(value) ? value : usual;
}

/**
 * A signal for each setting. What differs from the default stands in the address, and an address that is opened or typed sets them.
 */
export function settings<const S extends Readonly<Record<string, Setting>>>(
  defaults: S,
  allowed: Allowed<{ readonly [K in keyof S]: Widened<S[K]> }> = {},
): { readonly [K in keyof S]: Signal<Widened<S[K]>> } {
  const names = Object.keys(defaults);
  const read = () => new URLSearchParams(location.hash.slice(1));
  const value = (name: string) =>
    parsed(read().get(name), defaults[name]!, (allowed as Allowed<Record<string, Setting>>)[name]);
  const signals = Object.fromEntries(names.map((name) => [name, signal(value(name))]));
  let timer: ReturnType<typeof setTimeout> | undefined;
  let writtenAt = Number.NEGATIVE_INFINITY;
  effect(() => {
    const changed = names.filter((name) => signals[name]!.value !== defaults[name]);
    const hash = new URLSearchParams(changed.map((name) => [name, String(signals[name]!.value)])).toString();
    clearTimeout(timer);
    const write = () => {
      if (hash === location.hash.slice(1)) return;
      writtenAt = performance.now();
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    };
    const rest = writtenAt + WRITE_EVERY - performance.now();
    if (rest > 0) timer = setTimeout(write, rest);
    else write();
  });
  addEventListener("hashchange", () => {
    // Together: written after the first of them, the address would lose the others.
    batch(() => {
      for (const name of names) signals[name]!.value = value(name);
    });
  });
  return signals as never;
}
