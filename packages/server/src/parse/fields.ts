import { LmappError } from 'lmapp-kit'

/** As JSON Schema 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * A value and its place in the request in, a type out, or `bad-input` that names the place. Its `schema` says the same to
 * others: the document at `/openapi.json` is made from it.
 */
export interface Parser<T> {
  (value: unknown, place: string): T
  readonly schema: JsonSchema
}

/** A parser out of what reads and what describes. Use it where none of those below fits. */
export function parser<T>(schema: JsonSchema, read: (value: unknown, place: string) => T): Parser<T> {
  return Object.assign((value: unknown, place: string) => read(value, place), { schema })
}

/** The same parser, with words for people. */
export function described<T>(description: string, parse: Parser<T>): Parser<T> {
  return parser({ ...parse.schema, description }, parse)
}

export function badField(place: string, expected: string): LmappError {
  return new LmappError('bad-input', `"${place}" must be ${expected}.`, {
    hint: 'Correct the request',
    details: { field: place },
  })
}

export const string = parser({ type: 'string' }, (value, place) => {
  if (typeof value !== 'string') throw badField(place, 'a string')
  return value
})

export const nonEmptyString = parser({ type: 'string', minLength: 1 }, (value, place) => {
  if (typeof value !== 'string' || value === '') throw badField(place, 'a string that is not empty')
  return value
})

export const boolean = parser({ type: 'boolean' }, (value, place) => {
  if (typeof value !== 'boolean') throw badField(place, 'true or false')
  return value
})

export const number = parser({ type: 'number' }, (value, place) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw badField(place, 'a number')
  return value
})

export function numberIn(least: number, most: number): Parser<number> {
  return parser({ type: 'number', minimum: least, maximum: most }, (value, place) => {
    const read = number(value, place)
    if (read < least || read > most) throw badField(place, `a number from ${least} to ${most}`)
    return read
  })
}

export function integer(least: number, most = Number.MAX_SAFE_INTEGER): Parser<number> {
  const bounds = least > Number.MIN_SAFE_INTEGER ? ` of at least ${least}` : ''
  const range = most < Number.MAX_SAFE_INTEGER ? ` from ${least} to ${most}` : bounds
  return parser({ type: 'integer', minimum: least, maximum: most }, (value, place) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
      throw badField(place, `a whole number${range}`)
    }
    return value
  })
}

/** Any object, as it is. */
export const object = parser({ type: 'object' }, (value, place) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badField(place, 'an object')
  return value as Record<string, unknown>
})

export const anything = parser<unknown>({}, (value) => value)

export function oneOf<const T extends string>(...allowed: T[]): Parser<T> {
  return parser({ type: 'string', enum: allowed }, (value, place) => {
    const found = allowed.find((item) => item === value)
    if (found === undefined) throw badField(place, `one of ${allowed.join(', ')}`)
    return found
  })
}

export function listOf<T>(item: Parser<T>, { least = 0, most = Number.POSITIVE_INFINITY } = {}): Parser<T[]> {
  const bounds = { ...(least > 0 && { minItems: least }), ...(Number.isFinite(most) && { maxItems: most }) }
  return parser({ type: 'array', items: item.schema, ...bounds }, (value, place) => {
    if (!Array.isArray(value)) throw badField(place, 'a list')
    if (value.length < least)
      throw badField(place, `a list with at least ${least === 1 ? 'one item' : `${least} items`}`)
    if (value.length > most) throw badField(place, `a list of at most ${most} items`)
    return value.map((entry, index) => item(entry, `${place}[${index}]`))
  })
}

export function orNull<T>(parse: Parser<T>): Parser<T | null> {
  return parser({ anyOf: [parse.schema, { type: 'null' }] }, (value, place) =>
    value === null ? null : parse(value, place),
  )
}

/** What a JSON value is called; `array` and `null` are types of their own. */
type Kind = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'null'
type Kinds = { readonly [kind in Kind]?: Parser<unknown> }

/** Chooses the parser by what the value is: `byKind({ string: text, array: listOf(part) })`. */
export function byKind<const P extends Kinds>(parsers: P): Parser<Read<NonNullable<P[keyof P]>>> {
  const named = Object.keys(parsers).map((kind) => kindNames[kind as Kind])
  const expected = named.length > 1 ? `${named.slice(0, -1).join(', ')} or ${named.at(-1)}` : (named[0] ?? '')
  const schema = { anyOf: Object.values(parsers).map((parse) => parse.schema) }
  return parser(schema, (value, place) => {
    const parse = (parsers as Kinds)[kindOf(value)]
    if (!parse || value === undefined) throw badField(place, expected)
    return parse(value, place) as Read<NonNullable<P[keyof P]>>
  })
}

/** Chooses the parser by the value of a member, usually `type`, which the result has as well. */
export function tagged<const Tag extends string, const P extends Parsers>(
  tag: Tag,
  parsers: P,
): Parser<{ [name in keyof P]: Record<Tag, name> & Read<P[name]> }[keyof P]> {
  type Item = { [name in keyof P]: Record<Tag, name> & Read<P[name]> }[keyof P]
  const names = Object.keys(parsers)
  const schema = { anyOf: names.map((name) => withTag(parsers[name]?.schema ?? {}, tag, name)) }
  return parser(schema, (value, place) => {
    const source = object(value, place)
    const name = names.find((known) => known === source[tag])
    const parse = name === undefined ? undefined : parsers[name]
    if (!parse) throw badField(`${place}.${tag}`, `one of ${names.join(', ')}`)
    return { [tag]: name, ...(parse(value, place) as object) } as Item
  })
}

/** A parser for each field of an object. */
export type Fields<T extends object> = { [key in keyof T]-?: Parser<Exclude<T[key], undefined>> }
type Parsers = Readonly<Record<string, Parser<unknown>>>
export type Read<P> = P extends Parser<infer T> ? T : never
type Whole<P extends Parsers> = { [key in keyof P]: Read<P[key]> }

/** An object by its fields. What else is in it is a newer client's, and is left out. */
export function record<R extends Parsers, O extends Parsers>(
  required: R,
  optional: O,
): Parser<Whole<R> & Partial<Whole<O>>> {
  return toRecord(required, optional, false)
}

/** As `record`; in an optional field `null` is as good as nothing, as clients of other APIs write it. */
export function lenient<R extends Parsers, O extends Parsers>(
  required: R,
  optional: O,
): Parser<Whole<R> & Partial<Whole<O>>> {
  return toRecord(required, optional, true)
}

/** Names of fields that the value has and a record does not know; none where it is no record. Throws `bad-input` for far too many. */
export function unknownFields({ schema }: Parser<unknown>, value: unknown): string[] {
  const { properties } = schema
  if (typeof value !== 'object' || value === null || typeof properties !== 'object' || properties === null) return []
  const names = Object.keys(value).filter((key) => !Object.hasOwn(properties, key))
  if (names.length > mostUnknown)
    throw badField('body', `an object with at most ${mostUnknown} fields that are not known`)
  return names
}

const mostUnknown = 100

function toRecord<R extends Parsers, O extends Parsers>(
  required: R,
  optional: O,
  nullIsNothing: boolean,
): Parser<Whole<R> & Partial<Whole<O>>> {
  const entries = [
    ...Object.entries(required).map(([key, parse]) => ({ key, parse, needed: true })),
    ...Object.entries(optional).map(([key, parse]) => ({ key, parse, needed: false })),
  ]
  const schemaOf = (parse: Parser<unknown>) => (nullIsNothing ? orNull(parse).schema : parse.schema)
  const properties = Object.fromEntries(
    entries.map(({ key, parse, needed }) => [key, needed ? parse.schema : schemaOf(parse)]),
  )
  const needed = Object.keys(required)
  const schema = { type: 'object', properties, ...(needed.length > 0 && { required: needed }) }
  return parser(schema, (value, place) => {
    const source = object(value, place || 'body')
    const result: Record<string, unknown> = {}
    for (const { key, parse, needed: isNeeded } of entries) {
      const field = Object.hasOwn(source, key) ? source[key] : undefined
      const isNothing = field === undefined || (nullIsNothing && !isNeeded && field === null)
      if (!isNothing || isNeeded) result[key] = parse(field, join(place, key))
    }
    return result as Whole<R> & Partial<Whole<O>>
  })
}

function withTag(schema: JsonSchema, tag: string, name: string): JsonSchema {
  const { properties, required } = schema as { properties?: JsonSchema; required?: string[] }
  return {
    ...schema,
    type: 'object',
    properties: { [tag]: { type: 'string', const: name }, ...properties },
    required: [tag, ...(required ?? [])],
  }
}

const kindNames: Record<Kind, string> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
}

/** What is missing is as `null`. */
function kindOf(value: unknown): Kind {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  const kind = typeof value
  return kind === 'string' || kind === 'number' || kind === 'boolean' || kind === 'object' ? kind : 'null'
}

function join(place: string, key: string): string {
  return place === '' ? key : `${place}.${key}`
}
