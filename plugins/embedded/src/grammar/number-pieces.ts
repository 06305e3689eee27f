import { choice, nothing, type Piece, repeat, sequence, set, text } from './grammar.ts'
import { mostDigits, properFraction } from './json-pieces.ts'

export interface Bounds {
  least: number
  most: number
  /** Whether the bound itself is allowed. */
  leastIncluded: boolean
  mostIncluded: boolean
}

const limit = 10 ** mostDigits - 1

/** Whole numbers within bounds. Undefined when they lie beyond what is written. */
export function integersWithin(bounds: Bounds): Piece | undefined {
  const least = bounds.leastIncluded ? Math.ceil(bounds.least) : Math.floor(bounds.least) + 1
  const most = bounds.mostIncluded ? Math.floor(bounds.most) : Math.ceil(bounds.most) - 1
  if (least > limit || most < -limit) return undefined
  return wholes(Math.max(least, -limit), Math.min(most, limit))
}

/** Numbers within bounds: whole ones, and fractions between two whole ones that both lie within. Undefined when there are none. */
export function numbersWithin(bounds: Bounds): Piece | undefined {
  const whole = integersWithin(bounds)
  const least = Math.max(Math.ceil(bounds.least), -limit)
  const most = Math.min(Math.floor(bounds.most), limit)
  if (!whole || least > most) return undefined
  // What stands before the point: 0 to most - 1, and -0 to least + 1.
  const above = wholes(Math.max(0, least), most - 1)
  const below = sequence(text('-'), wholes(Math.max(0, -most), -least - 1))
  return choice(whole, sequence(above, properFraction), sequence(below, properFraction))
}

function wholes(least: number, most: number): Piece {
  if (least > most) return nothing
  const positive = most >= 0 ? naturals(Math.max(0, least), most) : nothing
  const negative = least < 0 ? sequence(text('-'), naturals(Math.max(1, -most), -least)) : nothing
  return choice(positive, negative)
}

/** `least` and `most` are not negative. */
function naturals(least: number, most: number): Piece {
  const [shortest, longest] = [String(least).length, String(most).length]
  const lengths = Array.from({ length: longest - shortest + 1 }, (_, index) => shortest + index)
  return choice(
    ...lengths.map((length) => {
      const from = length === shortest ? String(least) : `1${'0'.repeat(length - 1)}`
      return sameLength(from, length === longest ? String(most) : '9'.repeat(length))
    }),
  )
}

/** Texts of digits from one to the other; both are equally long. */
function sameLength(from: string, to: string): Piece {
  if (from === to) return text(from)
  if (/^0*$/.test(from) && /^9*$/.test(to)) return repeat(set('0-9'), from.length, from.length)
  const [low = '', high = ''] = [from[0], to[0]]
  const [fromRest, toRest] = [from.slice(1), to.slice(1)]
  if (low === high) return sequence(text(low), sameLength(fromRest, toRest))
  if (fromRest === '') return set(`${low}-${high}`)
  const free = repeat(set('0-9'), fromRest.length, fromRest.length)
  const between = Number(high) - Number(low) > 1 ? set(`${Number(low) + 1}-${Number(high) - 1}`) : nothing
  return choice(
    sequence(text(low), sameLength(fromRest, '9'.repeat(fromRest.length))),
    sequence(between, free),
    sequence(text(high), sameLength('0'.repeat(toRest.length), toRest)),
  )
}
