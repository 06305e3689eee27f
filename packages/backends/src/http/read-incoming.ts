import type { IncomingMessage } from 'node:http'

/** The bytes of an answer as they come; all that wait are given together. */
export interface IncomingBytes extends AsyncIterableIterator<Uint8Array, void, undefined> {
  /** Whatever comes later is no longer waited for. */
  leave(): void
}

/**
 * Reads for one reader, who waits for each step before the next. While he does not ask, the socket is paused. `heard` is called
 * for each read; what breaks the answer off is thrown as `toError` says. Leaving does not close the connection.
 */
export function readIncoming(
  incoming: IncomingMessage,
  { heard, toError }: { heard: () => void; toError: (cause: unknown) => unknown },
): IncomingBytes {
  let isListening = false
  let isOver = false
  let wake: (() => void) | undefined
  const stirred = () => wake?.()

  const listen = () => {
    isListening = true
    for (const event of events) incoming.on(event, stirred)
  }
  const leave = () => {
    isOver = true
    if (!isListening) return
    isListening = false
    for (const event of events) incoming.off(event, stirred)
  }
  const fail = (cause: unknown) => {
    leave()
    return toError(cause)
  }

  return {
    async next() {
      if (!isListening && !isOver) listen()
      while (!isOver) {
        const chunk: Uint8Array | null = incoming.destroyed ? null : incoming.read()
        if (chunk !== null) {
          heard()
          return { value: chunk, done: false }
        }
        if (incoming.errored) throw fail(incoming.errored)
        if (incoming.readableEnded) break
        if (incoming.destroyed) throw fail(new Error('The connection was closed.'))
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      leave()
      return { value: undefined, done: true }
    },
    async return() {
      leave()
      return { value: undefined, done: true }
    },
    leave,
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

const events = ['readable', 'end', 'error', 'close'] as const
