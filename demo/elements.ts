/** The page's elements by id, with the type that is expected of them. */
export function element<T extends HTMLElement = HTMLElement>(id: string, type?: new () => T): T {
  const found = document.getElementById(id);
  if (!found || (type && !(found instanceof type)))
    throw new Error(`the page has no ${type?.name ?? "element"} #${id}`);
  return found as T;
}

/** Sets a text only when it is another one, so that live regions do not repeat themselves. */
export function say(target: HTMLElement, words: string): void {
  if (target.textContent !== words) target.textContent = words;
}
