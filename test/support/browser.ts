/** The browser that tests open pages in: the headless Chromium of the npm package @sparticuz/chromium, nothing installed. */
import { existsSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { cacheFolder, findPackage, placeFolder } from "../../src/adapter/swiftshader.ts";
import { decompressed, filesOfArchive } from "../../src/adapter/tar.ts";

export interface OpenedBrowser {
  /** Absent when this machine cannot run it; `reason` says why then. */
  readonly browser: Browser | undefined;
  readonly reason: string;
}

const quiet = [
  "--no-sandbox",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-quic",
  "--no-first-run",
  // A name for pages that are not on localhost, and so have no secure context.
  "--host-resolver-rules=MAP page.test 127.0.0.1",
];

/**
 * Starts the browser, with WebGPU on SwiftShader or with no WebGPU at all.
 * @throws Error when it does not start and REQUIRE_GPU=1
 */
export async function openBrowser({ webgpu }: { readonly webgpu: boolean }): Promise<OpenedBrowser> {
  try {
    const folder = await unpackChromium();
    const browser = await chromium.launch({
      executablePath: join(folder, "chromium"),
      args: [
        ...quiet,
        // Without these, a browser on a machine without a GPU has no adapter.
        ...(webgpu ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] : ["--disable-gpu"]),
      ],
      env: browserEnvironment(folder),
      timeout: 60_000,
    });
    return { browser, reason: `Chromium ${browser.version()} from npm` };
  } catch (error) {
    const lines = (error as Error).message.split("\n").map((line) => line.trim());
    // Of Playwright's long story, what the browser itself complained of.
    const complaint = lines.find((line) => line.includes("[err]"))?.replace(/^.*\[err\]\s*/, "");
    const reason = `the browser cannot start: ${complaint ?? lines[0]}`;
    if (process.env.REQUIRE_GPU === "1") throw new Error(`REQUIRE_GPU=1, but ${reason}`, { cause: error });
    return { browser: undefined, reason };
  }
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds on the clock, and of them those in which the thread had the processor. */
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/**
 * The longest task of any page's main thread, in milliseconds of processor time. The clock alone would also count the
 * time in which the machine ran something else.
 * @returns ends the recording that this starts
 */
export async function recordTasks(browser: Browser): Promise<() => Promise<number>> {
  const devtools = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  devtools.on("Tracing.dataCollected", ({ value }) => void events.push(...(value as unknown as TraceEvent[])));
  await devtools.send("Tracing.start", { categories: "toplevel,__metadata", transferMode: "ReportEvents" });
  return async () => {
    const complete = new Promise((resolve) => devtools.once("Tracing.tracingComplete", resolve));
    await devtools.send("Tracing.end");
    await complete;
    await devtools.detach();
    const thread = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
    const mains = new Set(events.filter(({ args }) => args?.name === "CrRendererMain").map(thread));
    const tasks = events.filter((event) => event.name.endsWith("RunTask") && mains.has(thread(event)));
    if (tasks.length === 0) throw new Error("the browser recorded no task of the page");
    return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1000;
  };
}

function browserEnvironment(folder: string): Record<string, string> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  // The libraries that the package brings go before the system's, which a bare system has none of.
  env.LD_LIBRARY_PATH = [env.LD_LIBRARY_PATH, join(folder, "lib")].filter(Boolean).join(":");
  // A machine without fontconfig has no fonts either, and a page without any font is never laid out.
  if (!existsSync("/etc/fonts/fonts.conf")) env.FONTCONFIG_PATH = folder;
  return env;
}

/**
 * Unpacks the browser beside SwiftShader, in the user's cache folder, once for each version of the package.
 * @throws Error that says why it cannot be had
 */
async function unpackChromium(): Promise<string> {
  const { folder: source, version } = await findPackage();
  const folder = join(await cacheFolder(process.env), `chromium-${version}`);
  const isComplete = async (at: string) => existsSync(join(at, "chromium"));
  if (await isComplete(folder)) return folder;
  await placeFolder(folder, isComplete, async (unfinished) => {
    // Chromium looks for SwiftShader beside itself.
    for (const archive of ["swiftshader.tar.br", "al2023.tar.br", "fonts.tar.br"]) {
      for (const { name, data } of await filesOfArchive(join(source, "bin", archive))) {
        await mkdir(dirname(join(unfinished, name)), { recursive: true, mode: 0o700 });
        await writeFile(join(unfinished, name), data);
      }
    }
    // The package's own file names folders that only its usual home has.
    await writeFile(
      join(unfinished, "fonts.conf"),
      `<fontconfig><dir>${join(folder, "fonts")}</dir><cachedir>${join(folder, "fonts-cache")}</cachedir></fontconfig>\n`,
    );
    const executable = join(unfinished, "chromium");
    await writeFile(executable, await decompressed(join(source, "bin", "chromium.br")));
    await chmod(executable, 0o500);
  });
  return folder;
}
