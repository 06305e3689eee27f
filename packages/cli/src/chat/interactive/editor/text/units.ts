import { isChipMark } from './chips.ts'

/** Texts in which every character is a unit of its own. */
const simple = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff]*$/
const pieces = /\n|[\u{10f000}-\u{10fffd}]|[^\n\u{10f000}-\u{10fffd}]+/gu
const wordCharacter = /^[\p{L}\p{N}\p{M}_]/u
let segmenter: Intl.Segmenter | undefined

/** What the cursor steps over: characters as people see them, line breaks and chips. */
export function* units(text: string): Generator<string> {
  for (const [piece] of text.matchAll(pieces)) {
    if (simple.test(piece)) yield* piece
    else yield* graphemes(piece)
  }
}

function* graphemes(text: string): Generator<string> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  for (const { segment } of segmenter.segment(text)) yield segment
}

export function lineStart(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1
}

export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end < 0 ? text.length : end
}

export function nextUnit(text: string, offset: number): number {
  const end = lineEnd(text, offset)
  if (end === offset) return Math.min(text.length, offset + 1)
  const [unit = ''] = units(text.slice(offset, end))
  return offset + unit.length
}

export function previousUnit(text: string, offset: number): number {
  const start = lineStart(text, offset)
  if (start === offset) return Math.max(0, offset - 1)
  let last = ''
  for (const unit of units(text.slice(start, offset))) last = unit
  return offset - last.length
}

/** The nearest place from here on that is not within a unit. */
export function toUnitEnd(text: string, offset: number): number {
  let at = lineStart(text, offset)
  for (const unit of units(text.slice(at, lineEnd(text, offset)))) {
    if (at >= offset) return at
    at += unit.length
  }
  return at
}

export type WordKind = 'letters' | 'blanks'

/** Behind the next word: a run of letters and digits, or with `blanks` of anything but white space; a chip is one. */
export function nextWord(text: string, offset: number, kind: WordKind = 'letters'): number {
  return offset + wordLength(units(text.slice(offset)), kind)
}

export function previousWord(text: string, offset: number, kind: WordKind = 'letters'): number {
  return offset - wordLength([...units(text.slice(0, offset))].reverse(), kind)
}

function wordLength(run: Iterable<string>, kind: WordKind): number {
  let length = 0
  let isInside = false
  for (const unit of run) {
    const isChip = isChipMark(unit)
    if (isInside && (isChip || !isOfWord(unit, kind))) break
    length += unit.length
    if (isChip) break
    isInside ||= isOfWord(unit, kind)
  }
  return length
}

function isOfWord(unit: string, kind: WordKind): boolean {
  return kind === 'letters' ? wordCharacter.test(unit) : unit.trim() !== ''
}
