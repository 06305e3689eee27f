import { createChannel, type Status } from 'lmapp-kit'
import type { Lease } from './model-process.ts'

export interface Waiting {
  signal: AbortSignal
  onStatus(status: Status): void
}

/** What happens until the lease is there, which is what the generator returns. A reader that leaves gives it back. */
export async function* streamLease<Engine>(
  acquire: (waiting: Waiting) => Promise<Lease<Engine>>,
  signal: AbortSignal,
): AsyncGenerator<Status, Lease<Engine>, undefined> {
  const channel = createChannel<Status>({ capacity: 16, signal })
  const leased = acquire({ signal: channel.closed, onStatus: (status) => void channel.push(status) })
  leased.then(() => channel.end(), channel.fail)
  let lease: Lease<Engine> | undefined
  try {
    yield* channel.items
    lease = await leased
    return lease
  } finally {
    if (!lease)
      leased.then(
        (unwanted) => unwanted[Symbol.dispose](),
        () => {},
      )
  }
}
