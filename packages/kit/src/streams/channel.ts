/** The one way from callbacks into a stream: bounded, in order, for one reader. */
export interface Channel<T> {
  /** Resolves when there is room for the next one. Once the reader left, the item is dropped. Never rejects. */
  push(item: T): Promise<void>
  /** What was pushed is still read, then the stream ends. */
  end(): void
  /** What was pushed is still read, then the reader gets `error`. */
  fail(error: unknown): void
  /**
   * A reader that leaves waits until the producer has stopped, which it says by `end` or `fail`:
   * so a producer must listen to `closed`.
   */
  readonly items: AsyncIterable<T>
  /** Aborted when the reader left, or when the caller's signal was aborted (with the caller's reason). */
  readonly closed: AbortSignal
}

export interface ChannelOptions {
  /** Items that wait before the producer has to. At least 1. */
  capacity: number
  /** The caller's. Its reason is what the reader gets, whatever the producer then ends with. */
  signal?: AbortSignal
}

const ready = Promise.resolve()

/** Creates a channel; nothing runs until someone pushes or reads. */
export function createChannel<T>({ capacity, signal }: ChannelOptions): Channel<T> {
  const queue: T[] = []
  const closed = new AbortController()
  const stopped = Promise.withResolvers<void>()
  let outcome: { error?: unknown } | undefined
  let over = false
  let roomWaiter: PromiseWithResolvers<void> | undefined
  let itemWaiter: PromiseWithResolvers<void> | undefined

  const onAbort = () => close(signal?.reason)
  if (signal?.aborted) onAbort()
  else signal?.addEventListener('abort', onAbort, { once: true })

  function close(reason: unknown): void {
    closed.abort(reason)
    queue.length = 0
    releaseProducer()
    wakeReader()
  }

  function releaseProducer(): void {
    roomWaiter?.resolve()
    roomWaiter = undefined
  }

  function wakeReader(): void {
    itemWaiter?.resolve()
    itemWaiter = undefined
  }

  function finish(result: { error?: unknown }): void {
    outcome ??= result
    signal?.removeEventListener('abort', onAbort)
    stopped.resolve()
    wakeReader()
  }

  async function next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      if (closed.signal.aborted) return afterClose()
      if (queue.length > 0) return { value: take(), done: false }
      if (outcome) return afterEnd(outcome)
      itemWaiter ??= Promise.withResolvers()
      await itemWaiter.promise
    }
  }

  function take(): T {
    const item = queue.shift() as T
    if (queue.length < capacity) releaseProducer()
    return item
  }

  async function afterClose(): Promise<IteratorResult<T, undefined>> {
    await stopped.promise
    if (over) return { value: undefined, done: true }
    over = true
    throw closed.signal.reason
  }

  function afterEnd(result: { error?: unknown }): IteratorResult<T, undefined> {
    if (over || !('error' in result)) return { value: undefined, done: true }
    over = true
    throw result.error
  }

  async function leave(): Promise<IteratorResult<T, undefined>> {
    over = true
    close(new Error('The reader left.'))
    await stopped.promise
    return { value: undefined, done: true }
  }

  return {
    push(item) {
      if (closed.signal.aborted || outcome) return ready
      queue.push(item)
      wakeReader()
      if (queue.length < capacity) return ready
      roomWaiter ??= Promise.withResolvers()
      return roomWaiter.promise
    },
    end: () => finish({}),
    fail: (error) => finish({ error }),
    items: { [Symbol.asyncIterator]: () => ({ next, return: leave }) },
    closed: closed.signal,
  }
}
