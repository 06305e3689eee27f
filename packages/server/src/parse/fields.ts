import { LmappError } from 'lmapp-kit'

/** Small parsers: a value and its place in the request in, a type out. They throw `bad-input` that names the place. */
export type Parser<T> = (value: unknown, place: string) => T

export function badField(place: string, expected: string): LmappError {
  return new LmappError('bad-input', `"${place}" must be ${expected}.`, {
    hint: 'Correct the request',
    details: { field: place },
  })
}

export const string: Parser<string> = (value, place) => {
  if (typeof value !== 'string') throw badField(place, 'a string')
  return value
}

export const nonEmptyString: Parser<string> = (value, place) => {
  if (typeof value !== 'string' || value === '') throw badField(place, 'a string that is not empty')
  return value
}

export const boolean: Parser<boolean> = (value, place) => {
  if (typeof value !== 'boolean') throw badField(place, 'true or false')
  return value
}

export const number: Parser<number> = (value, place) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw badField(place, 'a number')
  return value
}

export function integer(least: number): Parser<number> {
  return (value, place) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
      throw badField(place, `a whole number${least > Number.MIN_SAFE_INTEGER ? ` of at least ${least}` : ''}`)
    }
    return value
  }
}

export const object: Parser<Record<string, unknown>> = (value, place) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badField(place, 'an object')
  return value as Record<string, unknown>
}

export function oneOf<const T extends string>(...allowed: T[]): Parser<T> {
  return (value, place) => {
    const found = allowed.find((item) => item === value)
    if (found === undefined) throw badField(place, `one of ${allowed.join(', ')}`)
    return found
  }
}

export function listOf<T>(item: Parser<T>): Parser<T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) throw badField(place, 'a list')
    return value.map((entry, index) => item(entry, `${place}[${index}]`))
  }
}

export function orNull<T>(parse: Parser<T>): Parser<T | null> {
  return (value, place) => (value === null ? null : parse(value, place))
}

/** A parser for each field of an object. */
export type Fields<T extends object> = { [key in keyof T]-?: Parser<Exclude<T[key], undefined>> }

/** Reads the fields that are there. What else is in the object is a newer client's, and is left out. */
export function fields<T extends object>(parsers: Fields<T>, value: unknown, place = ''): Partial<T> {
  const source = object(value, place || 'body')
  const result: Partial<T> = {}
  for (const key in parsers) {
    const field = source[key]
    if (field !== undefined) result[key] = parsers[key](field, join(place, key))
  }
  return result
}

/** Reads every field; for one that is missing, its parser says what it must be. */
export function all<T extends object>(parsers: Fields<T>, value: unknown, place = ''): T {
  const source = object(value, place || 'body')
  for (const key in parsers) if (source[key] === undefined) parsers[key](undefined, join(place, key))
  return fields(parsers, source, place) as T
}

function join(place: string, key: string): string {
  return place === '' ? key : `${place}.${key}`
}
