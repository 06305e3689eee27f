/** A line as its bytes, or the notice that one is too long to be kept. */
export type RawLine = { bytes: Buffer } | { tooLong: true }

/** Cuts bytes into lines, and goes on after a line that is too long. */
export interface RawLines {
  push(chunk: Buffer): RawLine[]
  /** What stands after the last LF. */
  rest(): Buffer
}

const lineFeed = 0x0a

/** A line that is longer than `maxBytes` is told as soon as it is, once, and dropped up to its end. */
export function createRawLines(maxBytes: number): RawLines {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let dropping = false

  function hold(bytes: Buffer): RawLine[] {
    if (dropping) return []
    pending.push(bytes)
    pendingBytes += bytes.length
    if (pendingBytes <= maxBytes) return []
    pending = []
    dropping = true
    return [{ tooLong: true }]
  }

  function complete(last: Buffer): RawLine[] {
    const overflow = hold(last)
    const line = dropping ? overflow : [{ bytes: Buffer.concat(pending) }]
    pending = []
    pendingBytes = 0
    dropping = false
    return line
  }

  return {
    push(chunk) {
      const lines: RawLine[] = []
      let from = 0
      for (let at = chunk.indexOf(lineFeed); at !== -1; at = chunk.indexOf(lineFeed, from)) {
        lines.push(...complete(chunk.subarray(from, at)))
        from = at + 1
      }
      return from < chunk.length ? [...lines, ...hold(chunk.subarray(from))] : lines
    },
    rest: () => Buffer.concat(pending),
  }
}
