import { randomUUID } from 'node:crypto'
import type { Id } from './store.ts'

const maxCounter = 0xfff

let lastMs = 0
/** `lastMs` as it stands in an id. */
let time = ''
let counter = 0

/**
 * A UUIDv7, greater than every one that this process made before, also when the clock goes backwards: the time then
 * stands still and the 12 bits behind it count.
 */
export function createId(now: Date = new Date()): Id {
  const ms = now.getTime()
  const random = randomUUID()
  if (ms > lastMs) begin(ms, random)
  else if (counter < maxCounter) counter += 1
  else begin(lastMs + 1, random)
  // The variant and the random rest are those of a version 4.
  return `${time}-${(0x7000 | counter).toString(16)}${random.slice(18)}`
}

/** Starts in the lower half, so that many more fit into the same millisecond. */
function begin(ms: number, random: string): void {
  lastMs = ms
  const digits = ms.toString(16).padStart(12, '0')
  time = `${digits.slice(0, 8)}-${digits.slice(8)}`
  counter = Number.parseInt(random.slice(0, 3), 16) & 0x7ff
}
