import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { strings, type TextKey } from "./strings.ts";

/** Puts the English words into the page, so that there is something to read before the script has run. */
const words: Plugin = {
  name: "words",
  transformIndexHtml: (html) =>
    html.replace(/data-text="(\w+)"([^>]*)>…</g, (_, key: string, rest: string) => {
      const text = strings.en[key as TextKey];
      if (text === undefined) throw new Error(`index.html: strings.ts has no "${key}"`);
      return `data-text="${key}"${rest}>${text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}<`;
    }),
};

// The folder of this file is the root: "vite demo" and "vite build demo".
export default defineConfig({
  // Relative addresses: the built page works in any folder of any site.
  base: "./",
  plugins: [words],
  // The examples import the package by its name.
  resolve: { alias: { "webgpu-rnn": fileURLToPath(new URL("../src/index.ts", import.meta.url)) } },
  server: { fs: { allow: [".."] } },
  worker: { format: "es" },
  build: {
    target: "es2022",
    outDir: "dist",
    rolldownOptions: {
      input: ["index.html", "examples/index.html"].map((page) => fileURLToPath(new URL(page, import.meta.url))),
    },
    emptyOutDir: true,
    // No data: addresses, so that a strict content security policy can be set where the page is hosted.
    assetsInlineLimit: 0,
    // The project's source, as a text to learn from, is a chunk of half a megabyte that only its choice loads.
    chunkSizeWarningLimit: 2000,
  },
});
