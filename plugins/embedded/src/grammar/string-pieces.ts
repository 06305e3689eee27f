import { formats } from './formats.ts'
import { mostRepeats, nothing, type Piece, type Rules, repeat, sequence } from './grammar.ts'
import { quote } from './json-pieces.ts'
import type { Schema } from './merge-schemas.ts'
import { stringMatching } from './pattern.ts'
import { SchemaError } from './schema-error.ts'
import { type Place, toCount, type WalkerTools } from './walker.ts'

export function stringPiece(schema: Schema, place: Place, { rules, json, ignore }: WalkerTools): Piece {
  const matching = toMatching(schema, place, rules)
  const least = toCount(schema, 'minLength', place) ?? 0
  const most = toCount(schema, 'maxLength', place)
  if (matching) {
    for (const keyword of ['minLength', 'maxLength']) if (schema[keyword] !== undefined) ignore(keyword)
    if (schema.pattern !== undefined && schema.format !== undefined) ignore('format')
    return matching
  }
  for (const keyword of ['pattern', 'format']) if (schema[keyword] !== undefined) ignore(keyword)
  if (least > mostRepeats) ignore('minLength')
  if (most !== undefined && most > mostRepeats) ignore('maxLength')
  if (most !== undefined && most < least) return nothing
  const counted = repeat(
    json.character,
    Math.min(least, mostRepeats),
    most !== undefined && most <= mostRepeats ? most : undefined,
  )
  return sequence(quote, counted, quote)
}

function toMatching(schema: Schema, place: Place, rules: Rules): Piece | undefined {
  const { pattern, format } = schema
  if (pattern !== undefined && typeof pattern !== 'string')
    throw new SchemaError(`${place.path}/pattern`, 'it must be text')
  const expression = pattern ?? formats.get(typeof format === 'string' ? format : '')
  return expression === undefined ? undefined : stringMatching(expression, rules)
}
