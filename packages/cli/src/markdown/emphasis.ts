import type { InlineNode } from './inline-nodes.ts'
import { bold, italic, type Look, strike } from './look.ts'
import type { Theme } from './theme.ts'

export interface DelimiterRun {
  character: '*' | '_' | '~'
  node: InlineNode
  /** Of the node among all. */
  index: number
  count: number
  before: string
  after: string
}

interface Delimiter extends DelimiterRun {
  length: number
  canOpen: boolean
  canClose: boolean
}

/** The emphasis of one paragraph, by the rules of CommonMark, with an end to how far a closing mark is looked for. */
export interface Emphasis {
  add(run: DelimiterRun): void
  mark(): number
  /** Pairs what came since the mark; the rest of it stays text. */
  endSince(mark: number): void
  /** Pairs everything. Returns where the first mark is that may still find its partner. */
  end(options: { isPending: (start: number) => boolean }): number
  /** Moves an offset before the pair that it is inside of. */
  widen(offset: number): number
}

export function createEmphasis(nodes: InlineNode[], options: { reach: number; theme: Theme }): Emphasis {
  const { reach, theme } = options
  const pairs: { start: number; end: number }[] = []
  let delimiters: Delimiter[] = []

  function pairSince(mark: number): void {
    const open: Delimiter[] = []
    for (const closer of delimiters.slice(mark)) {
      if (closer.canClose) closeAll(open, closer)
      if (closer.canOpen && closer.count > 0) open.push(closer)
    }
    delimiters = [...delimiters.slice(0, mark), ...open]
  }

  function closeAll(open: Delimiter[], closer: Delimiter): void {
    for (let at = open.length - 1; at >= 0 && closer.count > 0; ) {
      const opener = open[at]
      const isNear = opener && closer.node.start + closer.length + 1 <= opener.node.start + reach
      if (!isNear) return
      if (!fits(opener, closer)) {
        at -= 1
        continue
      }
      open.length = at + 1
      join(opener, closer)
      if (opener.count === 0) open.length = at
      at = open.length - 1
    }
  }

  function join(opener: Delimiter, closer: Delimiter): void {
    const used = opener.count >= 2 && closer.count >= 2 ? 2 : 1
    opener.count -= used
    closer.count -= used
    const look = toLook(opener.character, used)
    for (let index = opener.index + 1; index < closer.index; index++) paint(nodes[index], look)
    opener.node.level += 1
    closer.node.level += 1
    pairs.push({ start: opener.node.start, end: closer.node.end })
    for (const { node, character, count } of [opener, closer]) {
      if (!theme.keepsMarkers) node.text = character.repeat(count)
    }
  }

  /** Shows what is begun as if it ended where the text ends, but leaves `2*x` alone. */
  function paintBegun(begun: readonly Delimiter[]): void {
    const opened = new Map(
      begun.filter(({ before }) => !/[\p{L}\p{N})\]]/u.test(before)).map((each) => [each.node, each]),
    )
    let look = 0
    for (const node of nodes.slice(begun[0]?.index ?? nodes.length)) {
      const delimiter = opened.get(node)
      if (look !== 0) paint(node, look)
      if (!delimiter) continue
      const { character, count } = delimiter
      look |= toLook(character, count >= 2 ? 2 : 1) | (count > 2 ? toLook(character, 1) : 0)
      if (!theme.keepsMarkers) node.text = ''
    }
  }

  return {
    add(run) {
      const { canOpen, canClose } = judge(run)
      if (canOpen || canClose) delimiters.push({ ...run, length: run.count, canOpen, canClose })
    },
    mark: () => delimiters.length,
    endSince(mark) {
      pairSince(mark)
      delimiters.length = mark
    },
    end({ isPending }) {
      pairSince(0)
      const begun = delimiters.filter(({ node }) => isPending(node.start))
      paintBegun(begun)
      return begun[0]?.node.start ?? Number.POSITIVE_INFINITY
    },
    widen(offset) {
      let widened = offset
      for (let at = pairs.length - 1; at >= 0; at--) {
        const pair = pairs[at]
        if (!pair || pair.end <= widened) break
        if (pair.start < widened) {
          widened = pair.start
          at = pairs.length
        }
      }
      return widened
    },
  }
}

function paint(node: InlineNode | undefined, look: Look): void {
  if (!node) return
  node.look |= look
  node.level += 1
}

function toLook(character: string, count: number): Look {
  if (character === '~') return strike
  return count === 2 ? bold : italic
}

function fits(opener: Delimiter, closer: Delimiter): boolean {
  if (opener.character !== closer.character) return false
  if (opener.character === '~') return opener.count === closer.count
  const isMixed = (opener.canClose || closer.canOpen) && (opener.length + closer.length) % 3 === 0
  return !isMixed || (opener.length % 3 === 0 && closer.length % 3 === 0)
}

const space = /^\s$/u
const punctuation = /^[\p{P}\p{S}]$/u
/** Between these no spaces are written, so that the rules for words of letters do not fit. */
const eastAsian = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]$/u

function judge({ character, count, before, after }: DelimiterRun): { canOpen: boolean; canClose: boolean } {
  if (character === '~' && count !== 2) return { canOpen: false, canClose: false }
  const isOut = (each: string) => each === '' || space.test(each)
  const isMark = (each: string) => punctuation.test(each)
  const isFree = (each: string) => isOut(each) || isMark(each) || (character === '*' && eastAsian.test(each))
  const left = !isOut(after) && (!isMark(after) || isFree(before))
  const right = !isOut(before) && (!isMark(before) || isFree(after))
  // 2*3*4 is a product, though CommonMark reads an emphasis.
  if (character === '*') return { canOpen: left && (count > 1 || !/\w/.test(before)), canClose: right }
  if (character === '~') return { canOpen: left, canClose: right }
  return { canOpen: left && (!right || isMark(before)), canClose: right && (!left || isMark(after)) }
}
