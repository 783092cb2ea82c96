/** The package's names, and the files of src/ that stand for them where it runs from its sources: tests, scripts and pages. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface Entry {
  readonly node?: string;
  readonly default: string;
}
const { name, exports } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly name: string;
  readonly exports: Readonly<Record<string, Entry | string>>;
};

/** Aliases for Vite. @param on what the package is for: pages have no files of Node's */
export const aliases = (on: "node" | "browser") =>
  Object.entries(exports).flatMap(([path, entry]) => {
    const file = typeof entry === "object" ? ((on === "node" ? entry.node : undefined) ?? entry.default) : "";
    const source = /^\.\/dist\/(.*)\.js$/.exec(file)?.[1];
    // The bundle is made of dist/.
    if (source === undefined || path === "./bundle") return [];
    return {
      find: new RegExp(`^${name}${path.slice(1)}$`),
      replacement: fileURLToPath(new URL(`../src/${source}.ts`, import.meta.url)),
    };
  });
