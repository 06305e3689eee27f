import { displayWidth, splitGraphemes } from '../output/width.ts'
import type { InlineNode } from './inline-nodes.ts'
import type { Span } from './look.ts'

/** One row of a paragraph. */
export interface WrappedRow {
  readonly spans: Span[]
  /** Cells. More than the width only for an address that no row can hold: the terminal breaks it, and it stays whole. */
  width: number
  /** Visible characters of the paragraph up to the next row. */
  end: number
}

export interface WrapRange {
  /** Visible characters. */
  from: number
  to: number
  width: number
}

interface Word {
  parts: Span[]
  width: number
  start: number
  isWhole: boolean
  /** Characters that may still follow an address. */
  room: number
}

const pieces = /\n| +|[^ \n]+/g
/** Between these a row may end; but not before what closes. */
const eastAsian = /[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef\u{20000}-\u{3fffd}]/u
const closing = /^[、。，．：；！？）」』】〉》〕｝〗”’…—ー々ゝ％]/u
/** What an address takes along, before it and after it; of the latter so many characters. */
const leading = /^[\p{Ps}\p{Pi}"']+$/u
const mostTaken = 100
const opening = /[（「『【〈《〔｛〖“‘]$/u

/**
 * Rows of at most that width, broken between words, or between characters where there are no spaces. The last one is
 * open: more text may go on it. It may be empty.
 */
export function wrapInline(nodes: readonly InlineNode[], { from, to, width }: WrapRange): WrappedRow[] {
  const wrapper = new Wrapper(width, from)
  let offset = 0
  for (const node of nodes) {
    const end = offset + node.text.length
    if (end > from && offset < to) {
      const text = node.text.slice(Math.max(0, from - offset), to - offset)
      wrapper.add(text, node, Math.max(offset, from))
    }
    if (end >= to) break
    offset = end
  }
  return wrapper.end(to)
}

class Wrapper {
  readonly #width: number
  readonly #rows: WrappedRow[] = []
  #row: WrappedRow
  #spaces: Span[] = []
  #spacesWidth = 0
  #word: Word | undefined

  constructor(width: number, from: number) {
    this.#width = width
    this.#row = { spans: [], width: 0, end: from }
  }

  add(text: string, node: InlineNode, start: number): void {
    for (const { 0: piece, index } of text.matchAll(pieces)) {
      const offset = start + index
      if (piece === '\n') this.#break(offset + 1)
      else if (piece[0] === ' ' && !node.isWhole) this.#addSpaces(piece, node, offset)
      else if (eastAsian.test(piece) && !node.isWhole) this.#addCharacters(piece, node, offset)
      else this.#addToWord(piece, node, offset)
    }
  }

  end(to: number): WrappedRow[] {
    this.#endWord()
    this.#row.end = to
    this.#rows.push(this.#row)
    return this.#rows
  }

  #break(end: number): void {
    this.#endWord()
    this.#startRow(end)
  }

  #addSpaces(text: string, { look, url }: InlineNode, offset: number): void {
    this.#endWord()
    if (this.#row.spans.length === 0) this.#row.end = offset + text.length
    else {
      this.#spaces.push({ text, look, url })
      this.#spacesWidth += text.length
    }
  }

  #addCharacters(text: string, node: InlineNode, offset: number): void {
    let at = offset
    for (const grapheme of splitGraphemes(text)) {
      this.#addToWord(grapheme, node, at)
      at += grapheme.length
    }
  }

  #addToWord(text: string, node: InlineNode, offset: number): void {
    const { look, url, isWhole = false } = node
    if (this.#word && mayBreak(this.#word, text, isWhole)) this.#endWord()
    this.#word ??= { parts: [], width: 0, start: offset, isWhole: false, room: mostTaken }
    const part = this.#word.isWhole ? text.slice(0, this.#word.room) : text
    if (this.#word.isWhole) this.#word.room -= part.length
    this.#word.parts.push({ text: part, look, url })
    this.#word.width += displayWidth(part)
    this.#word.isWhole ||= isWhole
    if (part.length === text.length) return
    this.#endWord()
    this.#addToWord(text.slice(part.length), node, offset + part.length)
  }

  #endWord() {
    const word = this.#word
    if (!word) return
    this.#word = undefined
    const isFirst = this.#row.spans.length === 0
    if (!isFirst && this.#row.width + this.#spacesWidth + word.width > this.#width) this.#startRow(word.start)
    if (word.width > this.#width && !word.isWhole) return this.#addInPieces(word)
    this.#append(word.parts, word.width)
  }

  #addInPieces({ parts, start }: Word): void {
    let offset = start
    for (const part of parts) {
      for (const grapheme of splitGraphemes(part.text)) {
        const width = displayWidth(grapheme)
        if (this.#row.spans.length > 0 && this.#row.width + width > this.#width) this.#startRow(offset)
        this.#append([{ ...part, text: grapheme }], width)
        offset += grapheme.length
      }
    }
  }

  #append(parts: readonly Span[], width: number): void {
    for (const span of this.#spaces) this.#row.spans.push(span)
    for (const span of parts) this.#row.spans.push(span)
    this.#row.width += this.#spacesWidth + width
    this.#spaces = []
    this.#spacesWidth = 0
  }

  /** Spaces at the end of a row are not seen. */
  #startRow(end: number): void {
    this.#row.end = end
    this.#rows.push(this.#row)
    this.#row = { spans: [], width: 0, end }
    this.#spaces = []
    this.#spacesWidth = 0
  }
}

/** Whether a row may end between a word and what follows it without a space. */
function mayBreak({ parts }: Word, next: string, isNextWhole: boolean): boolean {
  const before = parts.at(-1)?.text ?? ''
  if (isNextWhole) return parts.length > 1 || !leading.test(before)
  const isEast = eastAsian.test(String.fromCodePoint(next.codePointAt(0) ?? 0)) || eastAsian.test(lastOf(before))
  return isEast && !closing.test(next) && !opening.test(before)
}

function lastOf(text: string): string {
  return Array.from(text.slice(-2)).at(-1) ?? ''
}
