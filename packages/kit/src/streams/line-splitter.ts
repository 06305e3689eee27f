import { LmappError } from '../errors/lmapp-error.ts'

/** Cuts bytes into lines as they come. Lines before a bad one are given out first. */
export interface LineSplitter {
  /** The lines that these bytes complete. Throws `stream-malformed`; it is then of no more use. */
  push(bytes: Uint8Array): Iterable<string>
  /** The last line, when it has no LF. */
  end(): string | undefined
}

const lineFeed = 0x0a

/** `maxBytes` counts what stands before the LF. */
export function createLineSplitter({ maxBytes }: { maxBytes: number }): LineSplitter {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let pending: Uint8Array[] = []
  let pendingBytes = 0

  function hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    assertLength(pendingBytes + bytes.length, maxBytes)
    pending.push(bytes)
    pendingBytes += bytes.length
  }

  function takePending(last: Uint8Array): Uint8Array {
    if (pending.length === 0) return last
    const line = Buffer.concat([...pending, last])
    pending = []
    pendingBytes = 0
    return line
  }

  return {
    *push(bytes) {
      let from = 0
      for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, from)) {
        assertLength(pendingBytes + at - from, maxBytes)
        const line = takePending(bytes.subarray(from, at))
        from = at + 1
        yield withoutReturn(decode(decoder, line))
      }
      hold(bytes.subarray(from))
    },
    end() {
      if (pending.length === 0) return undefined
      return withoutReturn(decode(decoder, takePending(new Uint8Array(0))))
    },
  }
}

function assertLength(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return
  throw new LmappError('stream-malformed', `A line is longer than ${maxBytes} bytes.`, { details: { maxBytes } })
}

function decode(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new LmappError('stream-malformed', 'A line is not valid UTF-8.', { cause })
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
