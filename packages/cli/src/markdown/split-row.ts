import { displayWidth, splitGraphemes } from '../output/width.ts'
import type { LeafRow } from './leaf.ts'
import type { Span } from './look.ts'

/** Rows as a terminal would break them. */
export function splitRow(spans: readonly Span[], width: number): LeafRow[] {
  const rows: { spans: Span[]; width: number }[] = []
  let row = { spans: [] as Span[], width: 0 }
  for (const span of spans) {
    const whole = displayWidth(span.text)
    if (row.width + whole <= width) {
      row.spans.push(span)
      row.width += whole
      continue
    }
    for (const grapheme of splitGraphemes(span.text)) {
      const cells = displayWidth(grapheme)
      if (row.width + cells > width && row.width > 0) {
        rows.push(row)
        row = { spans: [], width: 0 }
      }
      row.spans.push({ ...span, text: grapheme })
      row.width += cells
    }
  }
  return [...rows, row]
}
