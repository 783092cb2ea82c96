/** What a page loads first, measured by the build, which fails when it is too much. */
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Bytes, gzipped. */
const MOST = 150 * 1024;

interface Loaded {
  readonly bytes: number;
  /** What it imports at once; what it imports on demand is not of the first load. */
  readonly imports: readonly string[];
  readonly styles: readonly string[];
  readonly modules: readonly string[];
}

/** Generators of made-up data are not counted: in their place a page of one's own has the data that it loads. */
const isData = (module: string) => module.includes("/src/tasks/data/");

/** What a chunk has besides data: modules are measured before they are minified, the chunk after, hence the share. */
function shareWithoutData(modules: Readonly<Record<string, { readonly renderedLength: number }>>): number {
  const sum = (some: readonly (readonly [string, { readonly renderedLength: number }])[]) =>
    some.reduce((total, [, { renderedLength }]) => total + renderedLength, 0);
  const all = Object.entries(modules);
  return sum(all.filter(([id]) => !isData(id))) / Math.max(1, sum(all));
}

const gzipped = (content: string | Uint8Array) => gzipSync(content).length;

/**
 * The plugin for the pages, and the one for their worker. The first load of a page is its HTML, its styles, and the scripts that it and
 * its worker import at once, but for made-up data: not what a backend, a layer or an equation asks for later.
 * @param names of the pages, whose programs are pages/NAME/worker.ts
 */
export function firstLoad(names: readonly string[]): { readonly pages: Plugin; readonly worker: Plugin } {
  const files = new Map<string, Loaded>();
  const note: Plugin["generateBundle"] = (_, bundle) => {
    for (const [name, file] of Object.entries(bundle)) {
      const isChunk = file.type === "chunk";
      // The worker's chunks come once more, as files of the pages' build.
      if (!isChunk && files.has(name)) continue;
      files.set(name, {
        bytes: isChunk ? gzipped(file.code) * shareWithoutData(file.modules) : gzipped(file.source),
        imports: isChunk ? file.imports : [],
        styles: isChunk ? [...(file.viteMetadata?.importedCss ?? [])] : [],
        modules: isChunk ? file.moduleIds : [],
      });
    }
  };
  const chunkWith = (module: string) =>
    [...files].filter(([, { modules }]) => modules.some((id) => id.endsWith(module)));
  const closure = (start: string, found: Set<string>) => {
    if (found.has(start)) return;
    found.add(start);
    const { imports = [], styles = [] } = files.get(start) ?? {};
    for (const next of [...imports, ...styles]) closure(next, found);
  };
  return {
    worker: { name: "first-load-worker", generateBundle: note },
    pages: {
      name: "first-load",
      generateBundle: { order: "post", handler: note },
      closeBundle() {
        const sizes = names.map((name) => {
          const found = new Set<string>([`${name}.html`]);
          for (const module of [`pages/${name}/page.tsx`, "shell/worker.ts", `pages/${name}/worker.ts`])
            for (const [file] of chunkWith(module)) closure(file, found);
          return { name, bytes: [...found].reduce((sum, file) => sum + (files.get(file)?.bytes ?? 0), 0) };
        });
        const said = sizes.map(({ name, bytes }) => `${name} ${(bytes / 1024).toFixed(0)} KB`).join(", ");
        if (sizes.some(({ bytes }) => bytes > MOST))
          throw new Error(`the first load of a page is more than ${MOST / 1024} KB gzipped: ${said}`);
        this.info(`first load, gzipped: ${said}`);
      },
    },
  };
}
