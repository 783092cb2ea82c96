// Sound that comes in piece by piece, through models that others published.
export { Denoiser, type DenoiserOptions } from "./denoiser.ts";
export { resample } from "./resample.ts";
export { magnitudes, masked, ShortTimeFourier, type ShortTimeFourierOptions } from "./short-time-fourier.ts";
export { VoiceActivity, type VoiceActivityOptions } from "./voice-activity.ts";
