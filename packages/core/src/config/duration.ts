const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** The longest time that a timer takes, in milliseconds: about 24 days. */
export const longestDurationMs = 2 ** 31 - 1

/** Reads `5m`, `90s`, `1h30m`, `250ms`, or a number of milliseconds. `undefined`: it is no duration. */
export function parseDuration(value: unknown): number | undefined {
  const milliseconds = typeof value === 'string' ? sumOf(value) : value
  const isPossible = typeof milliseconds === 'number' && milliseconds >= 0 && milliseconds <= longestDurationMs
  return isPossible ? Math.round(milliseconds) : undefined
}

export const durationPattern = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$'

function sumOf(text: string): number | undefined {
  if (text.length > 64 || !new RegExp(durationPattern).test(text)) return undefined
  const items = text.matchAll(/([0-9.]+)(ms|s|m|h)/g)
  return items.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMs[unit ?? ''] ?? 0), 0)
}
