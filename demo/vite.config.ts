import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { aliases } from "../scripts/entries.ts";
import { firstLoad } from "./first-load.ts";
import { type GalleryPage, type PageInFrame, pages, start } from "./pages.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const all = [start, ...pages];
const { version } = JSON.parse(readFileSync(join(here, "../package.json"), "utf8"));
const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/**
 * A page's HTML: the template, with the page's words in English, so that there is something to read before its script has run, and
 * with what the script has to know of the page and those beside it, so that it need not have the list of all of them.
 */
function htmlOf(file: string): string | undefined {
  const page = all.find(({ name }) => file === join(here, `${name}.html`));
  if (!page) return undefined;
  const at = pages.indexOf(page);
  const beside = (other: GalleryPage | undefined) => other && { name: other.name, title: other.title };
  const frame: PageInFrame = { page, before: beside(pages[at - 1]), after: beside(pages[at + 1]) };
  const { name, title, about } = page;
  const values: Readonly<Record<string, string>> = {
    ...{ name, title: title[0], about: about[0], frame: JSON.stringify(frame) },
  };
  const template = readFileSync(join(here, "template.html"), "utf8");
  return template.replace(/\{(\w+)\}/g, (_, key: string) => escaped(values[key]!));
}

/** The pages of pages.ts, each at NAME.html, without a file of that name. */
const gallery: Plugin = {
  name: "gallery",
  enforce: "pre",
  resolveId: (id) => (htmlOf(id) === undefined ? undefined : id),
  load: (id) => htmlOf(id),
  configureServer(server) {
    server.middlewares.use(async (request, response, next) => {
      const path = new URL(request.url ?? "/", "http://page").pathname;
      const html = htmlOf(join(here, path === "/" ? "index.html" : path.slice(1)));
      if (html === undefined) return next();
      response.setHeader("Content-Type", "text/html");
      response.end(await server.transformIndexHtml(path, html));
    });
  },
};

/** What most pages share is one file: it is compressed better than many small ones. */
const shared = { codeSplitting: { groups: [{ name: "shared", minShareCount: 12 }] } };
const load = firstLoad(all.map(({ name }) => name));

// The folder of this file is the root: "vite demo" and "vite build demo".
export default defineConfig({
  // Relative addresses: the built pages work in any folder of any site.
  base: "./",
  plugins: [gallery, load.pages],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  define: { "import.meta.env.LIBRARY_VERSION": JSON.stringify(version) },
  // Programs import the package by its name.
  resolve: { alias: aliases("browser") },
  server: { fs: { allow: [".."] } },
  worker: {
    format: "es",
    plugins: () => [load.worker],
    rolldownOptions: { output: shared },
  },
  build: {
    target: "es2022",
    // light-dark() is left as it is: what older browsers get in its place does not follow the reader's choice.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    outDir: "dist",
    rolldownOptions: {
      output: shared,
      input: [...all.map(({ name }) => join(here, `${name}.html`)), join(here, "examples/index.html")],
    },
    emptyOutDir: true,
    // No data: addresses, so that a strict content security policy can be set where the pages are hosted.
    assetsInlineLimit: 0,
    // The project's source, as a text to learn from, is a chunk of half a megabyte that only its choice loads.
    chunkSizeWarningLimit: 2000,
  },
});
