import type { AdapterInfo } from "./adapter-report.ts";

type PartialInfo = Partial<GPUAdapterInfo> | undefined;

/** Adapters that are not always marked as fallback adapters. */
const knownSoftware = /llvmpipe|lavapipe|swiftshader|basic render/i;

function toInfo(given: PartialInfo, fallback: boolean | undefined): AdapterInfo {
  const { vendor = "", architecture = "", device = "", description = "" } = given ?? {};
  const software = fallback === true || knownSoftware.test(`${architecture} ${device} ${description}`);
  return { vendor, architecture, device, description, software };
}

/** Browsers up to 2024 have `requestAdapterInfo()` and `isFallbackAdapter` on the adapter, or nothing at all. */
export async function infoOfAdapter(adapter: GPUAdapter): Promise<AdapterInfo> {
  const older = adapter as {
    readonly info?: GPUAdapterInfo;
    readonly isFallbackAdapter?: boolean;
    requestAdapterInfo?(): Promise<PartialInfo>;
  };
  const info: PartialInfo = older.info ?? (await older.requestAdapterInfo?.().catch(() => undefined));
  return toInfo(info, info?.isFallbackAdapter ?? older.isFallbackAdapter);
}

/** Of a device that was given: older ones do not tell their adapter. */
export function infoOfDevice(device: GPUDevice): AdapterInfo {
  const info = device.adapterInfo as PartialInfo;
  return toInfo(info, info?.isFallbackAdapter);
}

/** What messages call an adapter. */
export const nameOfAdapter = ({ description, device, vendor, architecture }: AdapterInfo): string =>
  description || device || [vendor, architecture].filter(Boolean).join(" ") || "an adapter without a name";
