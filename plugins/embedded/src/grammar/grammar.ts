/** A piece of a grammar over characters. */
export type Piece =
  | { kind: 'text'; text: string }
  /** One character out of these ranges of code points, both ends included. */
  | { kind: 'set'; ranges: readonly CodeRange[] }
  | { kind: 'rule'; name: string }
  | { kind: 'sequence'; items: readonly Piece[] }
  /** One of them. None at all matches nothing. */
  | { kind: 'choice'; items: readonly Piece[] }
  | { kind: 'repeat'; item: Piece; least: number; most: number | undefined }

export type CodeRange = readonly [first: number, last: number]

export const nothing: Piece = { kind: 'choice', items: [] }

export function text(value: string): Piece {
  return { kind: 'text', text: value }
}

/** Characters and ranges of them, as `set('a-z', '_')`. */
export function set(...ranges: readonly string[]): Piece {
  return {
    kind: 'set',
    ranges: ranges.map((range): CodeRange => {
      const [first = '', , last = first] = range
      return [first.codePointAt(0) ?? 0, last.codePointAt(0) ?? 0]
    }),
  }
}

export function sequence(...items: readonly Piece[]): Piece {
  return items.length === 1 && items[0] ? items[0] : { kind: 'sequence', items }
}

export function choice(...items: readonly Piece[]): Piece {
  return items.length === 1 && items[0] ? items[0] : { kind: 'choice', items }
}

export function repeat(item: Piece, least: number, most?: number): Piece {
  return least === 1 && most === 1 ? item : { kind: 'repeat', item, least, most }
}

export function optional(item: Piece): Piece {
  return repeat(item, 0, 1)
}

/** Named pieces, which may name each other. */
export interface Rules {
  readonly pieces: ReadonlyMap<string, Piece>
  /** A name that is free, and the piece that stands for it. */
  reserve(): { name: string; piece: Piece }
  define(name: string, piece: Piece): void
  /** Defines it under a new name and gives what stands for it. */
  add(piece: Piece): Piece
}

const mostRules = 20_000

export function createRules(): Rules {
  const pieces = new Map<string, Piece>()
  let names = 0
  const reserve = () => {
    if (names >= mostRules) throw new RangeError('The grammar has too many rules')
    const name = `r${names++}`
    return { name, piece: { kind: 'rule' as const, name } }
  }
  return {
    pieces,
    reserve,
    define: (name, piece) => void pieces.set(name, piece),
    add(piece) {
      const { name, piece: reference } = reserve()
      pieces.set(name, piece)
      return reference
    },
  }
}

/** How often llama.cpp lets something be repeated by number. */
export const mostRepeats = 2000
/** Each count becomes so many rules in llama.cpp. */
const mostCounted = 50_000

/** The grammar in llama.cpp's language, or undefined when nothing finite matches `root`. */
export function printGrammar(root: Piece, rules: Rules): string | undefined {
  const finite = findFinite(rules)
  if (!canEnd(root, finite)) return undefined
  const lines: string[] = []
  const print = createPrinter(finite, (name, body) => lines.push(`${name} ::= ${body}`))
  for (const name of ['root', ...finite]) {
    const piece = name === 'root' ? root : rules.pieces.get(name)
    if (piece) lines.push(`${name} ::= ${print(piece)}`)
  }
  return `${lines.join('\n')}\n`
}

/** Rules that a finite text can match; the others would go on for ever. */
function findFinite({ pieces }: Rules): ReadonlySet<string> {
  const finite = new Set<string>()
  for (let before = -1; before < finite.size; ) {
    before = finite.size
    for (const [name, piece] of pieces) if (!finite.has(name) && canEnd(piece, finite)) finite.add(name)
  }
  return finite
}

function canEnd(piece: Piece, finite: ReadonlySet<string>): boolean {
  switch (piece.kind) {
    case 'text':
      return true
    case 'set':
      return piece.ranges.length > 0
    case 'rule':
      return finite.has(piece.name)
    case 'sequence':
      return piece.items.every((item) => canEnd(item, finite))
    case 'choice':
      return piece.items.some((item) => canEnd(item, finite))
    case 'repeat':
      return piece.least === 0 || canEnd(piece.item, finite)
    default:
      return piece satisfies never
  }
}

function createPrinter(finite: ReadonlySet<string>, define: (name: string, body: string) => void) {
  let extra = 0
  let counted = 0

  function count(least: number, most: number | undefined): string {
    counted += most ?? least
    if (counted > mostCounted) throw new RangeError('The grammar counts too far')
    return printCount(least, most)
  }

  /** As something that may be followed by a count. llama.cpp multiplies counts with what it counts, unless that has a name. */
  function printAtom(piece: Piece): string {
    if (piece.kind === 'set' || piece.kind === 'rule') return print(piece)
    const name = `x${extra++}`
    define(name, print(piece))
    return name
  }

  function print(piece: Piece): string {
    switch (piece.kind) {
      case 'text':
        return `"${[...piece.text].map(escapeText).join('')}"`
      case 'set':
        return `[${piece.ranges.map(printRange).join('')}]`
      case 'rule':
        return piece.name
      case 'sequence':
        return piece.items.length === 0 ? '""' : piece.items.map(print).join(' ')
      case 'choice':
        return `(${piece.items
          .filter((item) => canEnd(item, finite))
          .map(print)
          .join(' | ')})`
      case 'repeat':
        return canEnd(piece.item, finite) ? printAtom(piece.item) + count(piece.least, piece.most) : '""'
      default:
        return piece satisfies never
    }
  }

  return print
}

function printCount(least: number, most: number | undefined): string {
  if (most === undefined) return least === 0 ? '*' : least === 1 ? '+' : `{${least},}`
  return least === 0 && most === 1 ? '?' : `{${least},${most}}`
}

function printRange([first, last]: CodeRange): string {
  return first === last ? escapeCode(first) : `${escapeCode(first)}-${escapeCode(last)}`
}

function escapeText(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 0x20 || character === '"' || character === '\\' ? escapeCode(code) : character
}

function escapeCode(code: number): string {
  if (code < 0x80 && /[0-9A-Za-z]/.test(String.fromCharCode(code))) return String.fromCharCode(code)
  if (code < 0x100) return `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`
  return `\\U${code.toString(16).toUpperCase().padStart(8, '0')}`
}
