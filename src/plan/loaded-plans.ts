import type { LoadedPlan } from "./backend.ts";

/** Loaded plans by key (their shapes, mostly), each made once; one that could not be made is tried again next time. */
export class LoadedPlans<T extends { readonly loaded: LoadedPlan }> {
  readonly #byKey = new Map<string, Promise<T>>();

  get(key: string, load: () => Promise<T>): Promise<T> {
    let made = this.#byKey.get(key);
    if (!made) {
      made = load();
      this.#byKey.set(key, made);
      made.catch(() => this.#byKey.delete(key));
    }
    return made;
  }

  dispose(): void {
    for (const made of this.#byKey.values()) made.then(({ loaded }) => loaded.dispose()).catch(() => {});
  }
}
