/** Readers of unknown data that never throw: what has another type than expected counts as absent. */

export type Fields = Record<string, unknown>

export function toFields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined
}

export function toList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

/** Half characters become U+FFFD: SQLite and UTF-8 cannot hold them. So does NUL, which cuts texts short elsewhere. */
export function toCleanText(value: unknown): string | undefined {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : undefined
}

export function toNonEmpty(value: unknown): string | undefined {
  return toCleanText(value) || undefined
}

/** A count, such as of tokens. SQLite gives large integers as bigint. */
export function toCount(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

/** Milliseconds, or another number that cannot be negative. */
export function toAmount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

const latest = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * ISO 8601 of a time written as seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their
 * size, or as text; a text without a zone is in UTC, as SQLite writes it. Undefined for what is none.
 */
export function toTime(value: unknown): string | undefined {
  const ms = typeof value === 'string' ? parseTime(value) : toMilliseconds(value)
  if (ms === undefined || !(ms > 0 && ms <= latest)) return undefined
  return new Date(Math.round(ms)).toISOString()
}

function toMilliseconds(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined
  if (number < 1e11) return number * 1000
  if (number < 1e14) return number
  return number < 1e17 ? number / 1000 : number / 1e6
}

const timePattern = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?)? ?(Z|[+-]\d\d:?\d\d)?/

function parseTime(text: string): number | undefined {
  const trimmed = text.trim().slice(0, 64)
  if (/^\d+(\.\d+)?$/.test(trimmed)) return toMilliseconds(Number(trimmed))
  const match = timePattern.exec(trimmed)
  if (!match) return undefined
  const [, date, time = '00:00:00', fraction = '', zone = 'Z'] = match
  const colon = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone
  const ms = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${colon}`)
  return Number.isNaN(ms) ? undefined : ms
}

/** The parsed value, or undefined: for JSON within JSON or in a database's cell. */
export function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const titleLength = 60

/** The first words of a text, as a title. */
export function toTitle(text: string | undefined): string | undefined {
  const line = text?.slice(0, 1000).replace(/\s+/g, ' ').trim()
  if (!line) return undefined
  const characters = [...line]
  return characters.length <= titleLength ? line : `${characters.slice(0, titleLength - 1).join('')}…`
}
