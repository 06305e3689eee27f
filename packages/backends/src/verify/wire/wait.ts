import assert from 'node:assert/strict'

/** The promise, or a failed proof when it takes longer. `what`: what was awaited, as in "No … came within 5 ms". */
export async function within<T>(milliseconds: number, promise: Promise<T>, what: string): Promise<T> {
  const value = await atMost(milliseconds, promise)
  if (value === late) assert.fail(`No ${what} came within ${milliseconds} ms.`)
  return value
}

/** The promise, or `late` when it takes longer. */
export async function atMost<T>(milliseconds: number, promise: Promise<T>): Promise<T | typeof late> {
  const expired = Promise.withResolvers<typeof late>()
  const timer = setTimeout(() => expired.resolve(late), milliseconds)
  try {
    return await Promise.race([promise, expired.promise])
  } finally {
    clearTimeout(timer)
  }
}

export const late: unique symbol = Symbol('late')
