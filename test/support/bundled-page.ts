/** A program of the tests as a page has it: bundled by Vite, minified, and served to the browser without a server. */
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";

const [entry, origin] = ["page.js", "http://localhost"];
const root = fileURLToPath(new URL("../..", import.meta.url));

/** A built page's scripts by name, and the modules that each was made of. */
export interface BundledPage {
  readonly entry: string;
  readonly scripts: ReadonlyMap<string, { readonly code: string; readonly modules: readonly string[] }>;
}

/** @param file of test/support, such as `backend-page.ts` */
export async function bundlePage(file: string): Promise<BundledPage> {
  const { build } = await import("vite");
  const built = await build({
    configFile: false,
    root,
    logLevel: "error",
    build: {
      write: false,
      // As small as users make it: a worker's code is a function's text, and classes get other names.
      minify: true,
      target: "es2022",
      rolldownOptions: {
        input: fileURLToPath(new URL(file, import.meta.url)),
        output: { entryFileNames: entry },
      },
    },
  });
  const [bundle] = Array.isArray(built) ? built : [built];
  if (!bundle || !("output" in bundle)) throw new Error("vite built nothing");
  const chunks = bundle.output.flatMap((one) => ("code" in one ? [one] : []));
  return {
    entry,
    scripts: new Map(chunks.map(({ fileName, code, moduleIds }) => [fileName, { code, modules: moduleIds }])),
  };
}

/**
 * Opens the page, and gives what `use` gives, and the names of the scripts that the page loaded.
 * @param headers of the page and its scripts
 */
export async function inPage<T>(
  browser: Browser,
  { scripts }: BundledPage,
  use: (page: Page) => Promise<T>,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly outcome: T; readonly loaded: readonly string[] }> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const loaded: string[] = [];
  await page.route(`${origin}/**`, (route) => {
    const name = new URL(route.request().url()).pathname.slice(1);
    const script = scripts.get(name);
    if (script) loaded.push(name);
    return route.fulfill(
      script
        ? { contentType: "text/javascript", headers, body: script.code }
        : { contentType: "text/html", headers, body: `<!doctype html><script type="module" src="/${entry}"></script>` },
    );
  });
  try {
    await page.goto(`${origin}/index.html`);
    return { outcome: await use(page), loaded };
  } finally {
    await context.close();
  }
}
