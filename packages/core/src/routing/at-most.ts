/** Waits for an answer, but no longer than this; then undefined. The answer may still come: it is not broken off. */
export async function atMost<T>(milliseconds: number, answer: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(resolve, milliseconds, undefined)
  try {
    return await Promise.race([answer, promise])
  } finally {
    clearTimeout(timer)
  }
}
