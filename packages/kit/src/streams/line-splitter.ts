import { LmappError } from '../errors/lmapp-error.ts'

/** Cuts bytes into lines as they come. Lines before a bad one are given out first. */
export interface LineSplitter {
  /** The lines that these bytes complete. Throws `stream-malformed`; it is then of no more use. */
  push(bytes: Uint8Array): Iterable<string>
  /** The last line, when it has no LF. */
  end(): string | undefined
}

const lineFeed = 0x0a
const leastRoom = 4096

/** `maxBytes` counts what stands before the LF. What is held is a copy, and at most twice that. */
export function createLineSplitter({ maxBytes }: { maxBytes: number }): LineSplitter {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const nothing = Buffer.alloc(0)
  let held = nothing
  let heldBytes = 0

  function hold(bytes: Uint8Array): void {
    const needed = heldBytes + bytes.length
    if (needed > held.length) {
      const roomier = Buffer.allocUnsafe(Math.max(needed, Math.min(2 * held.length, maxBytes), leastRoom))
      roomier.set(held.subarray(0, heldBytes))
      held = roomier
    }
    held.set(bytes, heldBytes)
    heldBytes = needed
  }

  function take(last: Uint8Array): Uint8Array {
    if (heldBytes === 0) return last
    hold(last)
    const line = held.subarray(0, heldBytes)
    held = nothing
    heldBytes = 0
    return line
  }

  function assertLength(bytes: Uint8Array): void {
    if (heldBytes + bytes.length <= maxBytes) return
    const line = toShown(Buffer.concat([held.subarray(0, heldBytes), bytes.subarray(0, shownBytes)]))
    throw new LmappError('stream-malformed', `A line is longer than ${maxBytes} bytes.`, {
      details: { maxBytes, line },
    })
  }

  return {
    *push(bytes) {
      let from = 0
      for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, from)) {
        const rest = bytes.subarray(from, at)
        assertLength(rest)
        from = at + 1
        yield withoutReturn(decode(decoder, take(rest)))
      }
      const rest = bytes.subarray(from)
      assertLength(rest)
      if (rest.length > 0) hold(rest)
    },
    end() {
      return heldBytes === 0 ? undefined : withoutReturn(decode(decoder, take(nothing)))
    },
  }
}

function decode(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new LmappError('stream-malformed', 'A line is not valid UTF-8.', { details: { line: toShown(bytes) }, cause })
  }
}

const shownCharacters = 200
/** Enough for so many characters of any kind. */
const shownBytes = 4 * shownCharacters

/** The beginning of a line that is wrong, for its error. */
function toShown(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, shownBytes)).slice(0, shownCharacters)
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
