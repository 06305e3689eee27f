import type { LmappError } from 'lmapp-kit'

export interface BreakerState {
  state: 'closed' | 'open' | 'half-open'
  /** When a trial is allowed; only while open. */
  retryAt?: Date
  /** Message of the failure that opened it, or of the engine that asked to wait. */
  reason?: string
}

/**
 * Keeps requests away from a backend that just failed. One failure to connect, or a hang, opens it; other failures of
 * the engine open it at the third in a row. Refusals do not count. After a pause one trial is let through.
 */
export interface Breaker {
  readonly current: BreakerState
  /** Whether a request may go. While half-open only the first caller gets a yes. */
  admits(): boolean
  succeeded(): void
  /** An error that says how long to wait (`details.retryAfterMs`) keeps requests away for that long, at most ten minutes. */
  failed(error: LmappError): void
  /** The request ended without telling anything of the backend's health: a trial is given back. */
  neutral(): void
}

const firstPauseMs = 10_000
const longestPauseMs = 300_000
const failuresInARow = 3
const longestRestMs = 600_000

export function createBreaker(now: () => number = Date.now): Breaker {
  let failures = 0
  let pauseMs = firstPauseMs
  let openedAt: number | undefined
  let reason: string | undefined
  let trial = false
  let rest: { until: number; reason: string } | undefined

  const resting = () => (rest && rest.until > now() ? rest : undefined)
  const state = (): BreakerState['state'] => {
    if (resting()) return 'open'
    if (openedAt === undefined) return 'closed'
    return now() - openedAt >= pauseMs ? 'half-open' : 'open'
  }

  return {
    get current() {
      const current = state()
      const wish = resting()
      if (wish) return { state: 'open' as const, retryAt: new Date(wish.until), reason: wish.reason }
      return {
        state: current,
        ...(current === 'open' && openedAt !== undefined && { retryAt: new Date(openedAt + pauseMs) }),
        ...(current !== 'closed' && reason !== undefined && { reason }),
      }
    },
    admits() {
      const current = state()
      if (current !== 'half-open') return current === 'closed'
      if (trial) return false
      trial = true
      return true
    },
    succeeded() {
      failures = 0
      pauseMs = firstPauseMs
      openedAt = undefined
      reason = undefined
      rest = undefined
      trial = false
    },
    failed(error) {
      const restMs = retryAfterMs(error)
      if (restMs !== undefined) rest = { until: now() + Math.min(restMs, longestRestMs), reason: error.message }
      if (!error.entry.trips) {
        trial = false
        return
      }
      failures += 1
      const again = openedAt !== undefined
      if (!again && failures < failuresInARow && !opensAtOnce(error)) return
      pauseMs = again ? Math.min(pauseMs * 2, longestPauseMs) : firstPauseMs
      openedAt = now()
      reason = error.message
      trial = false
    },
    neutral() {
      trial = false
    },
  }
}

function opensAtOnce(error: LmappError): boolean {
  return error.code === 'backend-unreachable' || error.code === 'backend-not-identified' || error.code === 'stalled'
}

/** Milliseconds that the engine asked to wait, where it did. */
export function retryAfterMs({ details }: LmappError): number | undefined {
  const wanted = details?.retryAfterMs
  return typeof wanted === 'number' && wanted >= 0 ? wanted : undefined
}
