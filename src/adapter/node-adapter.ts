/**
 * Finds a WebGPU adapter in Node and programs like it: what `navigator.gpu` offers, where there is one (Deno, Electron);
 * else, through Dawn, a real GPU, and where software adapters are wanted a lavapipe that Dawn accepts, or SwiftShader. A driver that the user chose is
 * replaced only where they insist on another kind, and every step that did not work is in `candidates`.
 */
import { nameOfAdapter } from "./adapter-info.ts";
import type { AdapterInfo, Candidate } from "./adapter-report.ts";
import { setGlobals, tryAttempt } from "./dawn-adapter.ts";
import { type AdapterChoice, type Attempt, attemptsFor, choiceOf, refusal } from "./node-attempts.ts";
import { type Dawn, type NodeSystem, nodeSystem } from "./node-system.ts";
import { type FoundAdapter, requestAdapter, textOfError } from "./request-adapter.ts";

export interface NodeAdapterOptions {
  /** Insists on one kind; default is the variable WEBGPU_RNN_ADAPTER, else "auto". */
  readonly adapter?: AdapterChoice;
  /** Whether the kind "auto" takes software adapters, too; default true. Without, SwiftShader is not even unpacked. */
  readonly software?: boolean;
  /** Options of Dawn's `create`, such as `enable-dawn-features=…` or `backend=null`. With them `navigator.gpu` is not asked. */
  readonly dawnFlags?: readonly string[];
}

/** One search at a time, because a search changes the environment for a moment. */
let lastSearch: Promise<unknown> = Promise.resolve();

/** @throws OptionError for an unknown kind; that there is no adapter is a result, not an error */
export function findNodeAdapter(
  options: NodeAdapterOptions = {},
  system: NodeSystem = nodeSystem,
): Promise<FoundAdapter> {
  const search = lastSearch.then(() => find(options, system));
  lastSearch = search.catch(() => undefined);
  return search;
}

async function find(options: NodeAdapterOptions, system: NodeSystem): Promise<FoundAdapter> {
  const { adapter: wish, dawnFlags = [] } = options;
  const choice = choiceOf(wish, system.env);
  const software = choice !== "auto" || (options.software ?? true);
  const candidates: Candidate[] = [];
  let passedOver: string | undefined;
  const refuse = (info: AdapterInfo) => {
    if (software || !info.software) return refusal(choice, info);
    passedOver ??= nameOfAdapter(info);
    return `${nameOfAdapter(info)}, a software adapter`;
  };
  const none = (reason: string): FoundAdapter => ({ reason, candidates, ...(passedOver && { software: passedOver }) });
  if (choice === "none") return none('no adapter was looked for, because the choice is "none"');

  const offered = dawnFlags.length === 0 ? await tryNavigator(refuse, system) : undefined;
  if (typeof offered === "string") candidates.push({ name: "navigator.gpu", outcome: offered });
  else if (offered) return taken(offered, "navigator.gpu", candidates);

  let dawn: Dawn;
  try {
    dawn = await system.loadDawn();
  } catch (error) {
    const before = candidates.length > 0 ? ` (tried before: ${summary(candidates)})` : "";
    const outcome = whyNoDawn(error);
    candidates.push({ name: "npm package webgpu", outcome });
    return none(`there is no WebGPU in Node: ${outcome}${before}`);
  }

  for (const attempt of attemptsFor({ choice, software, refuse }, dawnFlags, system)) {
    const tried = await tryAttempt(attempt, dawn, system);
    if (typeof tried !== "string") {
      setGlobals(dawn);
      return taken(tried, attempt.name, candidates);
    }
    candidates.push({ name: attempt.name, outcome: tried });
  }
  if (!software) {
    passedOver ??= (await system.hasSwiftShader()) ? "SwiftShader from npm" : undefined;
    return none(`no GPU was found (tried: ${summary(candidates)})`);
  }
  const wanted = choice === "auto" ? "" : ` of the kind "${choice}"`;
  const insists = wish === undefined && choice !== "auto";
  const wayOut = insists ? `; WEBGPU_RNN_ADAPTER=${choice} insists on this kind: leave it out to take any` : "";
  return none(`no adapter${wanted} was found (tried: ${summary(candidates)})${wayOut}`);
}

type Offered = Required<Pick<FoundAdapter, "adapter" | "info">>;

/** Gives the adapter of `navigator.gpu`, or why it is not taken; undefined where there is no `navigator.gpu`. */
async function tryNavigator(refuse: Attempt["refuse"], system: NodeSystem): Promise<Offered | string | undefined> {
  try {
    const gpu = system.navigatorGpu();
    if (!gpu) return undefined;
    const offered = await requestAdapter(gpu);
    return offered ? (refuse(offered.info) ?? offered) : "no adapter";
  } catch (error) {
    return `failed: ${textOfError(error)}`;
  }
}

function taken({ adapter, info }: Offered, from: string, before: readonly Candidate[]): FoundAdapter {
  const outcome = `${nameOfAdapter(info)}, ${info.software ? "a software adapter" : "a GPU"}`;
  const tried = before.length > 0 ? ` (tried before: ${summary(before)})` : "";
  return {
    adapter,
    info,
    reason: `${outcome}, from ${from}${tried}`,
    candidates: [...before, { name: from, outcome }],
  };
}

const summary = (candidates: readonly Candidate[]): string =>
  candidates.map(({ name, outcome }) => `${name}: ${outcome}`).join("; ");

function whyNoDawn(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_MODULE_NOT_FOUND") return "the package is not installed (npm install webgpu)";
  return `the package cannot be loaded on ${process.platform} ${process.arch}: ${String(message).split("\n")[0]}`;
}
