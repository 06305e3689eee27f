/** The `count` known names nearest to `name`, nearest first. A name that holds the other comes before one that is merely spelled alike. */
export function nearestNames(name: string, known: readonly string[], count: number): string[] {
  const ranked = [...new Set(known)].map((candidate) => ({ candidate, distance: distanceBetween(name, candidate) }))
  ranked.sort((one, other) => one.distance - other.distance || one.candidate.localeCompare(other.candidate))
  return ranked.slice(0, count).map(({ candidate }) => candidate)
}

/** Whether one may well have been meant for the other: worth a "Did you mean". */
export function isNear(name: string, candidate: string): boolean {
  return distanceBetween(name, candidate) <= Math.max(2, Math.floor(name.length / 3))
}

/** Longer names are compared by their beginning only. */
const longestCompared = 64

function distanceBetween(name: string, candidate: string): number {
  const one = name.toLowerCase().slice(0, longestCompared)
  const other = candidate.toLowerCase().slice(0, longestCompared)
  if (one === other) return 0
  if (one !== '' && other.startsWith(one)) return 0.5
  if (one.length > 2 && other.includes(one)) return 1.5
  return editDistance(one, other)
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one text into the other. */
export function editDistance(one: string, other: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = at(previous, column - 1) + (one[row - 1] === other[column - 1] ? 0 : 1)
      const swapped = isSwap(one, other, row, column) ? at(beforePrevious, column - 2) + 1 : replaced
      current.push(Math.min(replaced, swapped, at(previous, column) + 1, at(current, column - 1) + 1))
    }
    beforePrevious = previous
    previous = current
  }
  return at(previous, other.length)
}

function isSwap(one: string, other: string, row: number, column: number): boolean {
  return row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY
