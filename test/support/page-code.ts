/** The TypeScript of a page in docs/: run as it stands there, block after block, and held against the package's types. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";
import { afterAll } from "vitest";
import { aliases } from "../../scripts/entries.ts";

const entries = aliases("node");
const root = fileURLToPath(new URL("../..", import.meta.url));

export interface PageCode<Page> {
  /** The whole text. */
  readonly text: string;
  /** What its code exports. */
  readonly made: Page;
  /** What the compiler has to say of it, with these options besides the strict ones. */
  typeFaults(options: ts.CompilerOptions): string[];
}

/** Runs the code of pages of docs/, one going on from the other; call it in a test file, whose end takes the code away again. */
export const runPage = <Page>(...names: readonly string[]): Promise<PageCode<Page>> => runPages(names, (code) => code);

/** The same of code that is changed first. */
export async function runPages<Page>(
  names: readonly string[],
  changed: (code: string) => string,
): Promise<PageCode<Page>> {
  const text = names.map((name) => readFileSync(join(root, "docs", name), "utf8")).join("\n");
  const code = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join("\n");
  const folder = mkdtempSync(join(tmpdir(), "webgpu-rnn-page-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "page.ts");
  const here = changed(code).replace(/"(webgpu-rnn[\w/]*)"/g, (quoted, name) => {
    const entry = entries.find(({ find }) => find.test(name));
    return entry ? JSON.stringify(entry.replacement) : quoted;
  });
  writeFileSync(file, here);
  const made: Page = await import(/* @vite-ignore */ pathToFileURL(file).href);
  return {
    text,
    made,
    typeFaults(options) {
      writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
      const program = ts.createProgram([file], {
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.NodeNext,
        lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"],
        moduleResolution: ts.ModuleResolutionKind.NodeNext,
        types: ["node", "@webgpu/types"],
        typeRoots: [join(root, "node_modules", "@types"), join(root, "node_modules")],
        ...options,
      });
      const faults = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
      return faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
    },
  };
}
