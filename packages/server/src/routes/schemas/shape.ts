import type { JsonSchema } from '../../parse/fields.ts'

/** Names of `T` that are always there. */
type Needed<T> = { [K in keyof T]-?: object extends Pick<T, K> ? never : K }[keyof T]
type Members<K extends PropertyKey> = Readonly<Record<K, JsonSchema>>

/**
 * An object with the members of `T` and no others. It does not compile when one is missing, or is needed here and
 * optional there.
 */
export function closed<T extends object>(
  needed: Members<Needed<T>>,
  optional: Members<Exclude<keyof T, Needed<T>>>,
): JsonSchema {
  return { ...open<T>(needed, optional), additionalProperties: false }
}

/** As `closed`, of something that a plugin made: it may have more. */
export function open<T extends object>(
  needed: Members<Needed<T>>,
  optional: Members<Exclude<keyof T, Needed<T>>>,
): JsonSchema {
  const required = Object.keys(needed)
  return { type: 'object', properties: { ...needed, ...optional }, ...(required.length > 0 && { required }) }
}

export const text: JsonSchema = { type: 'string' }
export const flag: JsonSchema = { type: 'boolean' }
export const count: JsonSchema = { type: 'integer', minimum: 0 }
export const time: JsonSchema = { type: 'string', format: 'date-time' }
export const milliseconds: JsonSchema = { type: 'number', minimum: 0, description: 'Milliseconds.' }
export const anyObject: JsonSchema = { type: 'object' }

export function listOf(items: JsonSchema): JsonSchema {
  return { type: 'array', items }
}

export function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] }
}

export function anyOf(...schemas: JsonSchema[]): JsonSchema {
  return { anyOf: schemas }
}

export function words<T extends string>(...values: T[]): JsonSchema {
  return { type: 'string', enum: values }
}

export function described(description: string, schema: JsonSchema): JsonSchema {
  return { ...schema, description }
}

/** The `type` by which one of a union is known. */
export function only(value: string): JsonSchema {
  return { type: 'string', const: value }
}
