import { isLmappError } from '../errors/lmapp-error.ts'
import type { Finish, Part } from '../part.ts'
import type { Connection } from '../protocol/connection.ts'
import type { PartsParams, RequestId } from '../protocol/messages.ts'

type SentPart = Exclude<Part, Finish>

/** The parts of one chat on their way to the host: several in a notification, and never more than there is credit. */
export interface Outbox {
  /** What it returns must be awaited before the next part. Undefined, which is usual: go on. */
  add(part: SentPart): Promise<void> | undefined
  grant(parts: number): void
  /** Resolves when all is sent, or the chat was cancelled. */
  drain(): Promise<void>
}

export interface OutboxOptions {
  connection: Connection
  id: RequestId
  credit: number
  /** Once aborted, what has no credit is dropped. */
  signal: AbortSignal
}

const maxBatch = 64

/**
 * What one turn of the event loop brings goes out together, at the end of its microtasks. A part without credit makes
 * the backend wait.
 */
export function createOutbox({ connection, id, credit, signal }: OutboxOptions): Outbox {
  let batch: SentPart[] = []
  let seq = 0
  let scheduled = false
  let saturated = false
  let failure: unknown
  let waiter: PromiseWithResolvers<void> | undefined
  signal.addEventListener('abort', dropRest, { once: true })

  function flush(): void {
    scheduled = false
    if (saturated || credit === 0 || batch.length === 0) return
    const parts = batch.length <= credit ? batch : batch.slice(0, credit)
    batch = batch.slice(parts.length)
    credit -= parts.length
    try {
      send(parts)
    } catch (error) {
      failure = error
      batch = []
    }
    release()
  }

  function send(parts: SentPart[]): void {
    const params: PartsParams = { id, seq: seq + 1, parts }
    try {
      saturated = !connection.notify('parts', params)
      seq++
    } catch (error) {
      if (parts.length === 1 || !isLmappError(error, 'bad-input')) throw error
      const middle = parts.length >> 1
      send(parts.slice(0, middle))
      send(parts.slice(middle))
    }
    if (saturated) void connection.drained().then(goOn)
  }

  function goOn(): void {
    saturated = false
    flush()
  }

  /** At the end of the microtasks, so that what was held up by it goes out together. */
  function flushSoon(): void {
    if (scheduled) return
    scheduled = true
    process.nextTick(flush)
  }

  function dropRest(): void {
    flush()
    batch = []
    release()
  }

  function hasRoom(): boolean {
    return batch.length < maxBatch && batch.length <= credit
  }

  function release(): void {
    if (!hasRoom()) return
    waiter?.resolve()
    waiter = undefined
  }

  async function waitUntil(enough: () => boolean): Promise<void> {
    while (!enough() && !signal.aborted) {
      waiter ??= Promise.withResolvers()
      await waiter.promise
    }
    if (failure !== undefined) throw failure
  }

  return {
    add(part) {
      if (signal.aborted) return undefined
      batch.push(part)
      flushSoon()
      if (hasRoom() && failure === undefined) return undefined
      flush()
      return waitUntil(hasRoom)
    },
    grant(parts) {
      credit += parts
      flushSoon()
      release()
    },
    drain() {
      flush()
      return waitUntil(() => batch.length === 0)
    },
  }
}
