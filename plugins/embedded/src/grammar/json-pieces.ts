import { choice, optional, type Piece, type Rules, repeat, sequence, set, text } from './grammar.ts'

/** The pieces that every JSON text is made of. */
export interface JsonPieces {
  /** One character within a string. */
  character: Piece
  string: Piece
  number: Piece
  integer: Piece
  boolean: Piece
  /** Anything, as deep as it likes. */
  value: Piece
}

/** Digits of a number before and after the point: more than a double holds would never end. */
export const mostDigits = 15

export const quote = text('"')
/** One space where people write one; more would be an invitation to write nothing else. */
export const comma = sequence(text(','), optional(text(' ')))
export const colon = sequence(text(':'), optional(text(' ')))

const digit = set('0-9')

export const fraction = sequence(text('.'), repeat(digit, 1, mostDigits))
/** Never zero. */
export const properFraction = sequence(text('.'), repeat(digit, 0, mostDigits - 1), set('1-9'))

export function createJsonPieces(rules: Rules): JsonPieces {
  const character = rules.add(choice(plainCharacter, escapedCharacter))
  const string = rules.add(sequence(quote, repeat(character, 0), quote))
  const natural = choice(text('0'), sequence(set('1-9'), repeat(digit, 0, mostDigits - 1)))
  const integer = rules.add(sequence(optional(text('-')), natural))
  const exponent = sequence(set('e', 'E'), optional(set('+', '-')), repeat(digit, 1, 2))
  const number = rules.add(sequence(integer, optional(fraction), optional(exponent)))
  const boolean = rules.add(choice(text('true'), text('false')))
  const value = rules.reserve()
  const member = rules.add(sequence(string, colon, value.piece))
  const object = rules.add(sequence(text('{'), listOf(member), text('}')))
  const array = rules.add(sequence(text('['), listOf(value.piece), text(']')))
  rules.define(value.name, choice(object, array, string, number, boolean, text('null')))
  return { character, string, number, integer, boolean, value: value.piece }
}

/** So many of `item`, with commas between them. */
export function listOf(item: Piece, least = 0, most?: number): Piece {
  if (most === 0) return text('')
  const more = sequence(item, repeat(sequence(comma, item), Math.max(0, least - 1), most && most - 1))
  return least === 0 ? optional(more) : more
}

const plainCharacter: Piece = {
  kind: 'set',
  ranges: [
    [0x20, 0x21],
    [0x23, 0x5b],
    [0x5d, 0xd7ff],
    [0xe000, 0x10ffff],
  ],
}

const hex = set('0-9', 'a-f', 'A-F')
/** Never one half of a pair: it would be no character. */
const codeUnit = choice(
  sequence(set('0-9', 'a-c', 'A-C', 'e-f', 'E-F'), repeat(hex, 3, 3)),
  sequence(set('d', 'D'), set('0-7'), repeat(hex, 2, 2)),
)
const escapedCharacter = sequence(
  text('\\'),
  choice(set('"', '\\', '/', 'b', 'f', 'n', 'r', 't'), sequence(text('u'), codeUnit)),
)
