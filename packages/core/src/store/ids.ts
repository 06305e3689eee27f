import { randomBytes, randomUUID } from 'node:crypto'
import type { Id } from './store.ts'

const maxCounter = 0xfff

let lastMs = 0
let counter = 0

/**
 * A UUIDv7, greater than every one that this process made before, also when the clock goes backwards: the time then
 * stands still and the 12 bits behind it count.
 */
export function createId(now: Date = new Date()): Id {
  const ms = now.getTime()
  if (ms > lastMs) begin(ms)
  else if (counter < maxCounter) counter += 1
  else begin(lastMs + 1)
  return toUuid(lastMs, counter)
}

/** Starts in the lower half, so that many more fit into the same millisecond. */
function begin(ms: number): void {
  lastMs = ms
  counter = randomBytes(2).readUInt16BE() & 0x7ff
}

function toUuid(ms: number, count: number): Id {
  const time = ms.toString(16).padStart(12, '0')
  const counted = (0x7000 | count).toString(16)
  // the variant and the random rest are those of a version 4
  return `${time.slice(0, 8)}-${time.slice(8)}-${counted}${randomUUID().slice(18)}`
}
