import type { IncomingMessage } from 'node:http'

/** The bytes of an answer as they come; all that wait are given together. */
export interface IncomingBytes extends AsyncIterableIterator<Uint8Array, void, undefined> {
  /** Whatever comes later is no longer waited for. */
  leave(): void
}

/** Bytes that wait for a reader before the socket is paused. */
const mostWaiting = 64 * 1024

/**
 * Reads for one reader, who waits for each step before the next. While more waits for him than he takes, the socket is paused.
 * `heard` is called for each read; what breaks the answer off is thrown as `toError` says, after what had come. Leaving does
 * not close the connection.
 */
export function readIncoming(
  incoming: IncomingMessage,
  { heard, toError }: { heard: () => void; toError: (cause: unknown) => unknown },
): IncomingBytes {
  let isListening = false
  let isOver = false
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let wake: (() => void) | undefined
  const stirred = () => wake?.()
  const came = (chunk: Buffer) => {
    waiting.push(chunk)
    waitingBytes += chunk.length
    if (waitingBytes > mostWaiting) incoming.pause()
    wake?.()
  }

  const listen = () => {
    isListening = true
    for (const event of endings) incoming.on(event, stirred)
    incoming.on('data', came)
  }
  const leave = () => {
    isOver = true
    waiting = []
    if (!isListening) return
    isListening = false
    for (const event of endings) incoming.off(event, stirred)
    incoming.off('data', came)
    incoming.pause()
  }
  const take = () => {
    const chunk = waiting.length > 1 ? Buffer.concat(waiting) : waiting[0]
    if (!chunk) return undefined
    waiting = []
    waitingBytes = 0
    if (incoming.isPaused()) incoming.resume()
    return chunk
  }
  const fail = (cause: unknown) => {
    leave()
    return toError(cause)
  }

  return {
    async next() {
      if (!isListening && !isOver) listen()
      while (!isOver) {
        const chunk = take()
        if (chunk) {
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

const endings = ['end', 'error', 'close'] as const
