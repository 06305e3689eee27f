import type { ServerResponse } from 'node:http'

export interface EventStreamOptions {
  /** A comment is sent this often: else neither side notices that the other is gone. */
  heartbeatMs: number
  headers?: Record<string, string>
  /** Default: `text/event-stream`. */
  type?: string
  /** What is sent then; default: a comment. Empty: nothing. */
  heartbeat?: string
}

/** What waits for the end of a turn. More than this is written at once, and may make the reader wait. */
const mostPending = 32 * 1024

/**
 * Writes server-sent events straight to the response. What is there in one turn of the event loop leaves in one
 * write; a client that reads slowly makes `send` wait, so that at most one such batch is held here.
 */
export interface EventStream {
  /** Returns a promise when the client has to catch up first. Does nothing when the client has left. */
  send(frame: string): Promise<void> | undefined
  end(): void
}

export function openEventStream(response: ServerResponse, options: EventStreamOptions): EventStream {
  const { type = 'text/event-stream; charset=utf-8', heartbeat: sign = ': \n\n' } = options
  response.writeHead(200, { 'content-type': type, ...options.headers })
  let pending = ''
  let scheduled = true
  process.nextTick(begin)
  const heartbeat = setInterval(beat, options.heartbeatMs).unref()
  response.once('close', () => clearInterval(heartbeat))

  function begin(): void {
    if (pending === '' && !response.writableEnded) response.flushHeaders()
    flush()
  }

  function flush(): void {
    scheduled = false
    if (pending === '') return
    response.write(pending)
    pending = ''
  }

  function beat(): void {
    if (sign !== '' && !response.writableNeedDrain) response.write(sign)
  }

  return {
    send(frame) {
      if (response.destroyed) return undefined
      pending += frame
      if (pending.length >= mostPending) {
        flush()
        return response.writableNeedDrain ? drained(response) : nextTurn()
      }
      if (!scheduled) {
        scheduled = true
        process.nextTick(flush)
      }
      return response.writableNeedDrain ? drained(response) : undefined
    },
    end() {
      response.end(pending)
      pending = ''
    },
  }
}

function drained(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = () => {
    response.off('drain', done).off('close', done)
    resolve()
  }
  response.on('drain', done).on('close', done)
  return promise
}

/** Lets the rest of the service go on between two full batches. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
