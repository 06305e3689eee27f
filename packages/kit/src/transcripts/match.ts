import { isObject } from './transcript.ts'

/** Stands for any value. */
export const anyValue = '<any>'

/**
 * Where `received` is not what a transcript expects, as `result.usage`; undefined when it is. Of objects each expected
 * member counts, and of errors only the codes.
 */
export function findMismatch(expected: unknown, received: unknown, path = ''): string | undefined {
  if (expected === anyValue) return received === undefined ? path : undefined
  if (Array.isArray(expected)) {
    if (!Array.isArray(received) || received.length !== expected.length) return path
    return firstMismatch(
      expected.map((item, index) => [String(index), item, received[index]]),
      path,
    )
  }
  if (!isObject(expected)) return Object.is(expected, received) ? undefined : path
  if (!isObject(received)) return path
  return firstMismatch(
    Object.entries(expected).map(([key, item]) => [key, item, received[key]]),
    path,
  )
}

/** As `findMismatch`, of a response. */
export function findResponseMismatch(expected: unknown, received: unknown): string | undefined {
  if (!isObject(expected) || !isObject(expected.error)) return findMismatch(expected, received)
  const { code, data } = expected.error
  const error = { code, ...(isObject(data) && { data: { code: data.code } }) }
  return findMismatch({ ...expected, error }, received)
}

function firstMismatch(pairs: [key: string, expected: unknown, received: unknown][], path: string): string | undefined {
  for (const [key, expected, received] of pairs) {
    const found = findMismatch(expected, received, path === '' ? key : `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}
