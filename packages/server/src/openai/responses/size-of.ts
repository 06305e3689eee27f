/** What an object takes up besides its strings, roughly. */
const bytesOfNode = 24

/** About how many bytes a value takes up in memory. It is no deeper than a parser let it be. */
export function sizeOf(value: unknown): number {
  if (typeof value === 'string') return bytesOfNode + value.length
  if (typeof value !== 'object' || value === null) return 8
  return Object.values(value).reduce<number>((sum, item) => sum + sizeOf(item), bytesOfNode)
}
