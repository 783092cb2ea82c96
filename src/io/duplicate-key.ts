/**
 * Finds an object of a JSON text that has the same name twice. JSON.parse keeps the last one without a word, and a
 * reader that keeps the first would then see another file.
 *
 * @param json a text that JSON.parse accepts
 * @returns the first such name; undefined when there is none
 */
export function duplicateKey(json: string): string | undefined {
  const objects: Set<string>[] = [];
  // The text is known to be JSON, so braces, strings and the colon after a name are all that matters.
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === "{") objects.push(new Set());
    else if (character === "}") objects.pop();
    else if (character === '"') {
      const end = stringEnd(json, i);
      let next = end + 1;
      while (" \t\n\r".includes(json[next] as string)) next++;
      if (json[next] === ":") {
        const key: string = JSON.parse(json.slice(i, end + 1)); // "a" and "\u0061" are the same name
        const keys = objects.at(-1);
        if (keys?.has(key)) return key;
        keys?.add(key);
      }
      i = end;
    }
  }
  return undefined;
}

/** The position of the quotation mark that closes the string opened at `start`: one after an even run of backslashes. */
function stringEnd(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  for (;;) {
    let first = end;
    while (json[first - 1] === "\\") first--;
    if ((end - first) % 2 === 0) return end;
    end = json.indexOf('"', end + 1);
  }
}
