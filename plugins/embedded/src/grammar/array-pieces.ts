import { mostRepeats, nothing, type Piece, repeat, sequence, text } from './grammar.ts'
import { comma, listOf } from './json-pieces.ts'
import type { Schema } from './merge-schemas.ts'
import { type Place, toCount, type WalkerTools, within } from './walker.ts'

export function arrayPiece(schema: Schema, place: Place, { rules, json, walk, ignore }: WalkerTools): Piece {
  if (schema.uniqueItems === true && schema.maxItems !== 1) ignore('uniqueItems')
  const first = Array.isArray(schema.prefixItems) ? schema.prefixItems : Array.isArray(schema.items) ? schema.items : []
  const rest = Array.isArray(schema.items) ? schema.additionalItems : schema.items
  const least = toCount(schema, 'minItems', place) ?? 0
  const most = toCount(schema, 'maxItems', place)
  if (most !== undefined && most < least) return nothing
  if (least > mostRepeats) ignore('minItems')
  if (most !== undefined && most > mostRepeats) ignore('maxItems')
  const fixed = first.slice(0, most).map((item, index) => walk(item, within(place, index)))
  const closed = rest === undefined && first.length > 0 && least <= first.length
  const item = closed ? nothing : rest === undefined ? json.value : rules.add(walk(rest, within(place, 'items')))
  const leftLeast = Math.min(mostRepeats, Math.max(0, least - fixed.length))
  const leftMost = closed ? 0 : most === undefined || most > mostRepeats ? undefined : most - fixed.length
  return sequence(text('['), items(fixed, item, leftLeast, leftMost), text(']'))
}

/** All of `fixed`, then between `least` and `most` times `item`. */
function items(fixed: readonly Piece[], item: Piece, least: number, most: number | undefined): Piece {
  const [head, ...tail] = fixed
  if (!head) return listOf(item, least, most)
  const after = tail.map((piece) => sequence(comma, piece))
  return sequence(head, ...after, repeat(sequence(comma, item), least, most))
}
