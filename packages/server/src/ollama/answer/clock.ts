/**
 * Tells the time with nanoseconds, as `2025-01-31T12:00:00.123456789Z`. It never goes back while one answer is written,
 * and each answer begins with what the system says.
 */
export function createClock(): () => string {
  const anchor = Date.now() - performance.now()
  return () => {
    const now = anchor + performance.now()
    const fraction = Math.floor((now % 1000) * 1e6)
    return `${new Date(now).toISOString().slice(0, 19)}.${String(fraction).padStart(9, '0')}Z`
  }
}
