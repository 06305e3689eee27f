/**
 * Runs `work` for at most `ms`. Its signal aborts when the time is up; it then has as long again, but at most a second,
 * to say itself what is wrong.
 */
export async function withDeadline<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const expired = Promise.withResolvers<never>()
  const timers = [
    setTimeout(() => controller.abort(new Error(`Not done within ${ms} ms.`)), ms),
    setTimeout(() => expired.reject(new Error(`Not done within ${ms} ms.`)), ms + Math.min(ms, 1000)),
  ]
  try {
    return await Promise.race([work(controller.signal), expired.promise])
  } finally {
    for (const timer of timers) clearTimeout(timer)
  }
}
