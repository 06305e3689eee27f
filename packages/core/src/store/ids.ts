import { randomBytes } from 'node:crypto'
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
  const bytes = randomBytes(16)
  bytes.writeUIntBE(ms, 0, 6)
  bytes.writeUInt16BE(0x7000 | count, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
