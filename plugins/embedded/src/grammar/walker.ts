import type { Piece, Rules } from './grammar.ts'
import type { JsonPieces } from './json-pieces.ts'
import type { Schema } from './merge-schemas.ts'
import { SchemaError } from './schema-error.ts'

/** Where in the schema, and how one came there. */
export interface Place {
  path: string
  depth: number
  /** Schemas that were entered since the last character. */
  via: ReadonlySet<Schema>
}

/** A part of the schema as a piece of the grammar. */
export type Walk = (schema: unknown, place: Place) => Piece

export interface WalkerTools {
  rules: Rules
  json: JsonPieces
  walk: Walk
  /** Notes a keyword that is not enforced. */
  ignore(keyword: string): void
}

/** The place of a part that stands after at least one character. */
export function within({ path, depth }: Place, step: string | number): Place {
  return { path: `${path}/${step}`, depth, via: new Set() }
}

/** A whole number that is not negative. */
export function toCount(schema: Schema, keyword: string, place: Place): number | undefined {
  const value = schema[keyword]
  if (value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= 0)) return value
  throw new SchemaError(`${place.path}/${keyword}`, 'it must be a whole number that is not negative')
}

export function tooLarge({ path }: Place): SchemaError {
  return new SchemaError(path, 'it is too large or too deep')
}
