import { eastAsianWidth } from 'get-east-asian-width'

let segmenter: Intl.Segmenter | undefined
/** Characters of one cell each, for which nothing has to be looked up: Latin, punctuation, arrows, lines. */
const simple = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2190-\u2193\u2400-\u2426\u2500-\u257f\ufffd]*$/
/** Those and the characters of two cells that never join others: Han, kana, Hangul syllables, full width forms. */
const regular =
  /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2190-\u2193\u2400-\u2426\u2500-\u257f\ufffd\u3000-\u3029\u3041-\u3096\u309b-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*$/
const doubles = /[\u3000-\uff60]/g
const known = new Map<string, number>()
const mostKnown = 2000
const visible =
  /[\u0600-\u0605\u06dd\u0890\u0891\u08e2\u{110bd}\u{110cd}]|[^\p{Default_Ignorable_Code_Point}\p{Control}\p{Format}\p{Nonspacing_Mark}\p{Enclosing_Mark}]/u
const emoji = /^(?:\p{Regional_Indicator}|\p{Emoji_Presentation}|\p{Emoji}\ufe0f)|\u200d\p{Extended_Pictographic}/u
const asText = /^\p{Emoji_Presentation}\ufe0e/u
const hangul = /^[\u1100-\u11ff\ua960-\ua97c\uac00-\ud7fb]/

/** Cells that a terminal needs for the text, which holds no escape sequences. */
export function displayWidth(text: string): number {
  if (simple.test(text)) return text.length
  if (regular.test(text)) return text.length + (text.match(doubles)?.length ?? 0)
  let width = 0
  for (const segment of splitGraphemes(text)) width += cells(segment)
  return width
}

/** Cut to so many cells, the last of them an ellipsis where something was cut. */
export function fitWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let fitted = ''
  let used = 0
  for (const segment of splitGraphemes(text)) {
    used += cells(segment)
    if (used > width - 1) break
    fitted += segment
  }
  return width > 0 ? `${fitted}…` : ''
}

export function padWidth(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const padding = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'left' ? text + padding : padding + text
}

/** What a reader takes for one character each. Making the segmenter takes tens of milliseconds: nobody needs it for Latin. */
export function* splitGraphemes(text: string): Generator<string> {
  if (regular.test(text)) return yield* text
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  for (const { segment } of segmenter.segment(text)) yield segment
}

/**
 * The cells of one grapheme, as most terminals of today count them: an emoji is 2, whatever it is joined of; a Hangul
 * block is as wide as its first part; elsewhere every code point that shows counts, up to a zero-width joiner.
 */
function cells(grapheme: string): number {
  const before = known.get(grapheme)
  if (before !== undefined) return before
  if (known.size >= mostKnown) known.clear()
  const width = countCells(grapheme)
  if (grapheme.length < 20) known.set(grapheme, width)
  return width
}

function countCells(grapheme: string): number {
  const start = grapheme.search(visible)
  if (start < 0) return 0
  const shown = grapheme.slice(start)
  const first = shown.codePointAt(0) ?? 0
  if (first <= 0xffff && asText.test(shown)) return 1
  if (emoji.test(shown)) return 2
  if (hangul.test(shown)) return eastAsianWidth(first)
  let width = 0
  for (const character of shown) {
    if (character === '\u200d') break
    if (visible.test(character)) width += eastAsianWidth(character.codePointAt(0) ?? 0)
  }
  return width
}
