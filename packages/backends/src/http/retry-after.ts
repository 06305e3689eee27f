import type { HttpResponse } from './http-exchange.ts'

/** Milliseconds. Who asks to wait for longer is not waited for anyway. */
const longestMs = 600_000

/** The three forms of a date in HTTP; what else `Date.parse` takes is not one. */
const datePattern = /^(\w{3}, \d{2} \w{3} \d{4}|\w{6,9}, \d{2}-\w{3}-\d{2}) \d{2}:\d{2}:\d{2} GMT$/
const oldestDatePattern = /^\w{3} \w{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/**
 * How long a server asks to wait, in milliseconds from `now` (milliseconds since 1970), from 0 to 600,000: what
 * `retry-after-ms` says, else `retry-after` in seconds or as a date. Undefined where it does not say, or not readably.
 */
export function parseRetryAfter(headers: HttpResponse['headers'], now: number): number | undefined {
  const waitMs = parseNumber(headers['retry-after-ms']) ?? parseSeconds(headers['retry-after'], now)
  return waitMs === undefined ? undefined : Math.min(Math.max(Math.round(waitMs), 0), longestMs)
}

function parseSeconds(value: string | undefined, now: number): number | undefined {
  const seconds = parseNumber(value)
  if (seconds !== undefined) return seconds * 1000
  const at = parseDate(value?.trim() ?? '')
  return at === undefined ? undefined : at - now
}

function parseNumber(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : undefined
}

function parseDate(text: string): number | undefined {
  const isOldest = oldestDatePattern.test(text)
  const at = isOldest || datePattern.test(text) ? Date.parse(isOldest ? `${text} GMT` : text) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
