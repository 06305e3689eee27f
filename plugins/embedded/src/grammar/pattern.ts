import { type CodeRange, choice, mostRepeats, type Piece, type Rules, repeat, sequence, text } from './grammar.ts'
import { quote } from './json-pieces.ts'

/**
 * A JSON string whose text matches a regular expression. Undefined for what a grammar cannot say (looking around,
 * references back, word boundaries, Unicode properties), and for expressions that are none.
 */
export function stringMatching(pattern: string, rules: Rules): Piece | undefined {
  const parser = createParser(pattern, rules)
  try {
    const alternatives = parser.parse()
    const any = rules.add(repeat(encode(everything), 0))
    const bodies = alternatives.map(({ anchoredStart, anchoredEnd, piece }) =>
      sequence(...(anchoredStart ? [] : [any]), piece, ...(anchoredEnd ? [] : [any])),
    )
    return sequence(quote, choice(...bodies), quote)
  } catch (error) {
    if (error instanceof NotExpressible) return undefined
    throw error
  }
}

class NotExpressible extends Error {}

interface Alternative {
  anchoredStart: boolean
  anchoredEnd: boolean
  piece: Piece
}

const deepestGroup = 32
/** Larger counts, nested, would make a grammar of millions of rules. */
const mostCounted = 10_000

function createParser(pattern: string, rules: Rules) {
  const characters = [...pattern]
  let position = 0
  let counted = 0

  const peek = (): string | undefined => characters[position]
  const take = (): string => characters[position++] ?? fail()
  const skip = (wanted: string): boolean => {
    if (
      !characters
        .slice(position, position + wanted.length)
        .join('')
        .startsWith(wanted)
    )
      return false
    position += wanted.length
    return true
  }

  function parseAlternatives(depth: number): Alternative[] {
    const found = [parseAlternative(depth)]
    while (skip('|')) found.push(parseAlternative(depth))
    return found
  }

  function parseAlternative(depth: number): Alternative {
    const anchoredStart = skip('^')
    const items: Piece[] = []
    let anchoredEnd = false
    for (let next = peek(); next !== undefined && next !== '|' && next !== ')'; next = peek()) {
      if (anchoredEnd) fail()
      if (skip('$')) anchoredEnd = true
      else items.push(parseQuantified(depth))
    }
    return { anchoredStart, anchoredEnd, piece: sequence(...items) }
  }

  function parseQuantified(depth: number): Piece {
    const item = parseAtom(depth)
    const counts = parseCounts()
    if (!counts) return item
    skip('?')
    counted += counts.most ?? counts.least
    if (counted > mostCounted || (counts.most ?? counts.least) > mostRepeats) fail()
    return repeat(rules.add(item), counts.least, counts.most)
  }

  function parseCounts(): { least: number; most: number | undefined } | undefined {
    if (skip('*')) return { least: 0, most: undefined }
    if (skip('+')) return { least: 1, most: undefined }
    if (skip('?')) return { least: 0, most: 1 }
    const found = /^\{(\d+)(,(\d*))?\}/.exec(characters.slice(position, position + 16).join(''))
    if (!found) return undefined
    position += found[0].length
    const least = Number(found[1])
    const most = found[2] === undefined ? least : found[3] === '' ? undefined : Number(found[3])
    if (most !== undefined && most < least) fail()
    return { least, most }
  }

  function parseAtom(depth: number): Piece {
    const character = take()
    if (character === '(') return parseGroup(depth)
    if (character === '[') return encode(parseClass())
    if (character === '.') return encode(complement(lineEnds))
    if (character === '\\') return encode(parseEscape())
    if ('*+?{}^$)]'.includes(character)) fail()
    return encode([toRange(character)])
  }

  function parseGroup(depth: number): Piece {
    if (depth >= deepestGroup) fail()
    if (skip('?') && !skip(':')) {
      if (!/^<[A-Za-z_]\w*>$/.test(characters.slice(position, characters.indexOf('>', position) + 1).join(''))) fail()
      position = characters.indexOf('>', position) + 1
    }
    const alternatives = parseAlternatives(depth + 1)
    if (!skip(')') || alternatives.some((one) => one.anchoredStart || one.anchoredEnd)) fail()
    return choice(...alternatives.map(({ piece }) => piece))
  }

  function parseClass(): CodeRange[] {
    const negated = skip('^')
    const ranges: CodeRange[] = []
    while (!skip(']')) {
      const first = parseMember()
      const [from] = first
      if (peek() !== '-' || characters[position + 1] === ']' || !isSingle(first)) ranges.push(...first)
      else {
        position += 1
        const last = parseMember()
        const [to] = last
        if (!from || !to || !isSingle(last) || to[0] < from[0]) fail()
        else ranges.push([from[0], to[0]])
      }
    }
    return negated ? complement(ranges) : ranges
  }

  function parseMember(): CodeRange[] {
    const character = take()
    if (character !== '\\') return [toRange(character)]
    return skip('b') ? [[8, 8]] : parseEscape()
  }

  function parseEscape(): CodeRange[] {
    const character = take()
    const known = classes.get(character)
    if (known) return known
    if (character === 'x') return [toCode(readHex(2))]
    if (character === 'u') return [toCode(skip('{') ? readBraced() : readHex(4))]
    if (/[A-Za-z0-9]/.test(character)) fail()
    return [toRange(character)]
  }

  function readHex(length: number): number {
    const digits = characters.slice(position, position + length).join('')
    if (digits.length !== length || !/^[0-9a-fA-F]+$/.test(digits)) fail()
    position += length
    return Number.parseInt(digits, 16)
  }

  function readBraced(): number {
    const end = characters.indexOf('}', position)
    if (end < 0 || end - position > 6) fail()
    const code = readHex(end - position)
    position += 1
    return code
  }

  return {
    parse(): Alternative[] {
      const alternatives = parseAlternatives(0)
      if (position < characters.length) fail()
      return alternatives
    },
  }
}

function fail(): never {
  throw new NotExpressible()
}

function toRange(character: string): CodeRange {
  return toCode(character.codePointAt(0) ?? 0)
}

function toCode(code: number): CodeRange {
  return [code, code]
}

function isSingle(ranges: readonly CodeRange[]): boolean {
  const [only] = ranges
  return ranges.length === 1 && only !== undefined && only[0] === only[1]
}

const last = 0x10ffff
const everything: CodeRange[] = [[0, last]]
const digits: CodeRange[] = [[0x30, 0x39]]
const word: CodeRange[] = [...digits, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]
const spaces: CodeRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]
const lineEnds: CodeRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]

const classes: ReadonlyMap<string, CodeRange[]> = new Map([
  ['d', digits],
  ['D', complement(digits)],
  ['w', word],
  ['W', complement(word)],
  ['s', spaces],
  ['S', complement(spaces)],
  ['t', [toCode(9)]],
  ['n', [toCode(10)]],
  ['v', [toCode(11)]],
  ['f', [toCode(12)]],
  ['r', [toCode(13)]],
  ['0', [toCode(0)]],
])

function complement(ranges: readonly CodeRange[]): CodeRange[] {
  const gaps: CodeRange[] = []
  let next = 0
  for (const [from, to] of ranges.toSorted(([one], [other]) => one - other)) {
    if (from > next) gaps.push([next, from - 1])
    next = Math.max(next, to + 1)
  }
  return next > last ? gaps : [...gaps, [next, last]]
}

/** Characters as they stand in a JSON string: some have to be escaped. */
function encode(ranges: readonly CodeRange[]): Piece {
  const plain = ranges.flatMap((range) => plainRanges.flatMap((allowed) => overlap(range, allowed)))
  const escaped = [...escapes].filter(([code]) => ranges.some(([from, to]) => from <= code && code <= to))
  return choice({ kind: 'set', ranges: plain }, ...escaped.map(([, written]) => text(`\\${written}`)))
}

const plainRanges: readonly CodeRange[] = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0xd7ff],
  [0xe000, last],
]

const escapes: ReadonlyMap<number, string> = new Map([
  [0x22, '"'],
  [0x5c, '\\'],
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [12, 'f'],
  [13, 'r'],
])

function overlap([from, to]: CodeRange, [lowest, highest]: CodeRange): CodeRange[] {
  const both: CodeRange = [Math.max(from, lowest), Math.min(to, highest)]
  return both[0] <= both[1] ? [both] : []
}
