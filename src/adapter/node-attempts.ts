import { OptionError, shown } from "../errors.ts";
import { nameOfAdapter } from "./adapter-info.ts";
import type { AdapterInfo } from "./adapter-report.ts";
import type { NodeSystem } from "./node-system.ts";

const choices = ["auto", "gpu", "lavapipe", "swiftshader", "none"] as const;
export type AdapterChoice = (typeof choices)[number];

/**
 * What the caller or the environment asked for.
 * @throws OptionError for an unknown kind
 */
export function choiceOf(wish: string | undefined, env: NodeJS.ProcessEnv): AdapterChoice {
  const given = wish ?? (env.WEBGPU_RNN_ADAPTER || "auto");
  const choice = choices.find((known) => known === given);
  if (choice !== undefined) return choice;
  const what = wish === undefined ? "WEBGPU_RNN_ADAPTER" : "option adapter";
  throw new OptionError(`${what} is ${shown(given)}, expected one of ${choices.join(", ")}`);
}

/** One way to get an adapter, as data. */
export interface Attempt {
  readonly name: string;
  readonly flags: readonly string[];
  /** `loader`: needs a Vulkan loader; `driver`: that, and SwiftShader set as the driver. */
  readonly vulkan?: "loader" | "driver";
  /** Takes whatever driver is installed. */
  readonly installed?: boolean;
  /** Variables of the environment that this search leaves out. */
  readonly without?: readonly string[];
  /** Why an adapter is not the one that is wanted. */
  refuse(info: AdapterInfo): string | undefined;
}

/** Which adapters are wanted. */
export interface Wanted extends Pick<Attempt, "refuse"> {
  readonly choice: AdapterChoice;
  /** Software adapters are taken. */
  readonly software: boolean;
}

/** The ways to get such an adapter through Dawn, the best first. */
export function attemptsFor(
  { choice, software, refuse }: Wanted,
  flags: readonly string[],
  { platform, env }: NodeSystem,
): readonly Attempt[] {
  const otherBackend = flags.find((flag) => flag.startsWith("backend=") && flag !== "backend=vulkan");
  if (platform !== "linux" || otherBackend !== undefined) return [{ name: "Dawn's own choice", flags, refuse }];

  // Beside a GPU, Dawn offers lavapipe only when asked for it by name.
  const systemFlags = choice === "lavapipe" ? [...flags, "adapter=llvmpipe"] : flags;
  const installed: Attempt = {
    name: "the Vulkan drivers of this system",
    flags: systemFlags,
    vulkan: "loader",
    installed: true,
    refuse,
  };
  const swiftShader: Attempt = { name: "SwiftShader from npm", flags, vulkan: "driver", refuse };
  const [variable, ...others] = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].filter((name) => env[name]);
  if (variable !== undefined) {
    const name = `the Vulkan driver chosen by ${variable}=${env[variable]}`;
    const chosen: Attempt = { name, flags: systemFlags, vulkan: "loader", refuse };
    if (choice === "auto") return [chosen];
    // Only this project knows the kind that is insisted on; a variable for all of Vulkan is often set by a system or an image.
    const without = [variable, ...others];
    const further = { ...installed, name: `${installed.name}, without ${without.join(" and ")}`, without };
    return [chosen, choice === "swiftshader" ? swiftShader : further];
  }
  if (choice === "auto") return software ? [installed, swiftShader] : [installed];
  return [choice === "swiftshader" ? swiftShader : installed];
}

/** Why an adapter is not of the kind that was asked for; undefined when it is. */
export const refusal = (choice: AdapterChoice, info: AdapterInfo): string | undefined =>
  isOfKind(choice, info) ? undefined : `${nameOfAdapter(info)} is not of the kind "${choice}"`;

function isOfKind(choice: AdapterChoice, info: AdapterInfo): boolean {
  if (choice === "gpu") return !info.software;
  if (choice === "lavapipe") return /llvmpipe/i.test(info.description);
  if (choice === "swiftshader") return /swiftshader/i.test(info.description);
  return true;
}
