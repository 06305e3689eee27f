import { untilAborted } from '../../streams/until-aborted.ts'

/** Where the mock's time comes from. Give your own to decide in a test when time passes. */
export interface Clock {
  /** Milliseconds since any fixed moment. `wait` must move it. */
  now(): number
  /** Rejects with the signal's reason when it aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

export const realClock: Clock = {
  now: () => performance.now(),
  wait(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal.reason)
      }
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  },
}

/** Waits for ever: it only ever rejects, with the signal's reason. */
export function waitForAbort(signal: AbortSignal): Promise<never> {
  return untilAborted(new Promise<never>(() => {}), signal)
}
