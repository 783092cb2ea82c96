/** Settings of a page, kept in the hash of its address, so that the address shares them: `#seed=3&cell=gru`. */
import { effect, type Signal, signal } from "@preact/signals";

export type Setting = number | string | boolean;

/** Milliseconds between two changes of the address: browsers refuse more than some hundred in half a minute, as a slider makes. */
const WRITE_EVERY = 300;

/** Which values a setting may have; of a number also its least and its largest. */
export type Allowed<S> = { readonly [K in keyof S]?: readonly S[K][] | { readonly min: number; readonly max: number } };

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
  let isWaiting = false;
  const write = () => {
    isWaiting = false;
    const changed = names.filter((name) => signals[name]!.value !== defaults[name]);
    const hash = new URLSearchParams(changed.map((name) => [name, String(signals[name]!.value)])).toString();
    if (hash !== location.hash.slice(1))
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };
  effect(() => {
    for (const name of names) void signals[name]!.value;
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(write, WRITE_EVERY);
  });
  addEventListener("hashchange", () => {
    for (const name of names) signals[name]!.value = value(name);
  });
  return signals as never;
}
