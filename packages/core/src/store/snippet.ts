import { indexedCharacters } from './search-index.ts'
import type { Term } from './search-query.ts'

/** Where a text holds a term, in characters of the text. */
export interface Range {
  start: number
  end: number
}

const before = 40
const length = 160
const letterOrDigit = /[\p{L}\p{N}\p{M}]/u
const mark = /\p{M}/gu

/** Every place where a term is found, in order; undefined when one term is not found at all. */
export function findTerms(text: string, terms: readonly Term[]): Range[] | undefined {
  const folded = fold(text.slice(0, indexedCharacters))
  const found = terms.map((term) => findTerm(folded, term))
  return found.every((ranges) => ranges.length > 0) ? found.flat().sort((a, b) => a.start - b.start) : undefined
}

/** One line of the text around the first range, each range between \u0002 and \u0003. */
export function toSnippet(text: string, ranges: readonly Range[]): string {
  const from = startOf(text, Math.max(0, (ranges[0]?.start ?? 0) - before))
  const to = endOf(text, from + length)
  const pieces: string[] = []
  let done = from
  for (const { start, end } of ranges) {
    if (start < done || end > to) continue
    pieces.push(toLine(text.slice(done, start)), '\u0002', toLine(text.slice(start, end)), '\u0003')
    done = end
  }
  pieces.push(toLine(text.slice(done, to)))
  return `${from > 0 ? '…' : ''}${pieces.join('').trim()}${to < text.length ? '…' : ''}`
}

interface Folded {
  text: string
  /** For each character of the folded text, where it comes from; one more for the end. */
  origins: number[]
}

/** Without case and accents. */
function fold(text: string): Folded {
  const pieces: string[] = []
  const origins: number[] = []
  let at = 0
  for (const character of text) {
    const plain =
      character < '\u0080' ? character.toLowerCase() : character.normalize('NFD').replaceAll(mark, '').toLowerCase()
    for (let index = 0; index < plain.length; index += 1) origins.push(at)
    pieces.push(plain)
    at += character.length
  }
  origins.push(at)
  return { text: pieces.join(''), origins }
}

function findTerm(folded: Folded, term: Term): Range[] {
  const wanted = fold(term.text).text
  const ranges: Range[] = []
  if (wanted === '') return ranges
  for (let at = folded.text.indexOf(wanted); at !== -1; at = folded.text.indexOf(wanted, at + wanted.length)) {
    if (term.kind === 'word' && letterOrDigit.test(characterBefore(folded.text, at))) continue
    const start = folded.origins[at] ?? 0
    ranges.push({ start, end: folded.origins[at + wanted.length] ?? start })
  }
  return ranges
}

function characterBefore(text: string, at: number): string {
  const unit = text.charAt(at - 1)
  return /[\udc00-\udfff]/.test(unit) ? text.slice(at - 2, at) : unit
}

/** The beginning of a word near `at`, never half a character. */
function startOf(text: string, at: number): number {
  if (at === 0) return 0
  const space = text.slice(at, at + before).search(/\s/u)
  return space === -1 ? wholeCharacter(text, at) : at + space + 1
}

function endOf(text: string, at: number): number {
  if (at >= text.length) return text.length
  const space = text.slice(at - before, at).search(/\s\S*$/u)
  return space === -1 ? wholeCharacter(text, at) : at - before + space
}

function wholeCharacter(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text.charAt(at)) ? at - 1 : at
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it takes out
const blank = /[\s\u0000-\u001f\u007f]+/gu

function toLine(text: string): string {
  return text.replaceAll(blank, ' ')
}
