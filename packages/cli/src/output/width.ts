let segmenter: Intl.Segmenter | undefined
/** Characters of one cell each, for which nothing has to be looked up: Latin, punctuation, arrows. */
const simple = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2190-\u2193]*$/
const invisible = /^[\p{Mark}\p{Control}\p{Format}]+$/u
const wide =
  /^(?:\p{Emoji_Presentation}|.\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}])/u

/** Cells that a terminal needs for the text, which holds no escape sequences. */
export function displayWidth(text: string): number {
  if (simple.test(text)) return text.length
  let width = 0
  for (const segment of graphemes(text)) width += cells(segment)
  return width
}

/** Cut to so many cells, the last of them an ellipsis where something was cut. */
export function fitWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let fitted = ''
  let used = 0
  for (const segment of graphemes(text)) {
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

function* graphemes(text: string): Generator<string> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  for (const { segment } of segmenter.segment(text)) yield segment
}

function cells(grapheme: string): number {
  if (invisible.test(grapheme)) return 0
  return wide.test(grapheme) ? 2 : 1
}
