const units = ['B', 'K', 'M', 'G', 'T']

/** As Cloud Foundry writes sizes in its logs: `88B`, `6.4M` (code.cloudfoundry.org/bytefmt). */
export function byteSize(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${Number(value.toFixed(1))}${units[unit]}`
}
