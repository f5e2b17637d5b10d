/** Crashes that are restarted at once; an instance is shown as flapping from here on (HM9000). */
const immediateRestarts = 3
const firstDelayInSeconds = 30
const longestDelayInSeconds = 960
/** Crashes older than this are forgotten: the instance has run well since. */
export const crashMemoryInSeconds = 1920

/** Seconds to wait after the latest crash before the next start: none for the first three, then 30, 60, … up to 960 (HM9000). */
export function restartDelayInSeconds(crashCount: number): number {
  if (crashCount <= immediateRestarts) return 0
  return Math.min(longestDelayInSeconds, firstDelayInSeconds * 2 ** (crashCount - immediateRestarts - 1))
}
