import { findCut, type Inline, visibleLength } from './inline-nodes.ts'
import type { Leaf, LeafRow, LeafRows } from './leaf.ts'
import type { Look } from './look.ts'
import { parseInline } from './parse-inline.ts'
import { isTableHeader, mayBeTableHeader, splitTableRow } from './table-syntax.ts'
import type { Theme } from './theme.ts'
import { type WrappedRow, wrapInline } from './wrap-inline.ts'

export interface ParagraphOptions {
  theme: Theme
  /** Of all of it: a heading. */
  look?: Look
  /** Shown before the text. */
  marks?: string
  isHeading?: boolean
}

/** So many rows are waited for the end of an emphasis, a link or a formula. */
const reachRows = 6

export function createParagraph({ theme, look = 0, marks = '', isHeading = false }: ParagraphOptions): Leaf {
  let source = ''
  /** Visible characters of the source that are on the screen for good. */
  let done = 0
  let before = ''
  /** Nothing of it is on the screen for good, and no second line has begun. */
  let isFirstLine = true
  let lineBreaks = ''
  let lead = marks

  function shownSource(): string {
    return isHeading ? source.replace(/(?:^|[ \t]+)#{0,1000}[ \t]*$/, '') : source
  }

  function parse(width: number, isOver: boolean): Inline {
    const reach = Math.max(20, Math.min(width, 1000)) * reachRows
    const inline = parseInline(shownSource(), { isClosed: isOver, before, reach, theme })
    const stable = mayBeHeader() && !isOver ? 0 : inline.stable
    return { nodes: inline.nodes, stable: Math.max(done, stable) }
  }

  function mayBeHeader(): boolean {
    return isFirstLine && !isHeading && mayBeTableHeader(source)
  }

  function forget({ nodes }: Inline): void {
    const cut = findCut(nodes, done)
    if (cut.source === 0) return
    before = source[cut.source - 1] ?? ''
    source = source.slice(cut.source)
    done -= cut.visible
  }

  const toRow = ({ spans, width }: WrappedRow): LeafRow => {
    const shown = look === 0 ? spans : spans.map((span) => ({ ...span, look: span.look | look }))
    if (marks === '') return { spans: shown, width }
    return { spans: [{ text: lead, look }, ...shown], width: width + marks.length }
  }

  return {
    isSetOff: false,
    isVerbatim: false,
    get header() {
      return isFirstLine && isTableHeader(source) ? source : undefined
    },
    add(text) {
      if (text === '') return
      if (lineBreaks !== '') isFirstLine = false
      source += lineBreaks + text
      lineBreaks = ''
    },
    endLine() {
      lineBreaks = '\n'
    },
    take(width, isOver): LeafRows {
      const room = Math.max(1, width - marks.length)
      const inline = parse(room, isOver)
      const total = visibleLength(inline.nodes)
      const settled = wrapInline(inline.nodes, { from: done, to: isOver ? total : inline.stable, width: room })
      const last = settled.at(-1)
      const rows = isOver && last && last.spans.length > 0 ? settled : settled.slice(0, -1)
      const final: LeafRow[] = []
      for (const row of rows) {
        final.push(toRow(row))
        lead = ' '.repeat(marks.length)
      }
      done = rows.at(-1)?.end ?? done
      if (rows.length > 0) isFirstLine = false
      if (isOver) return { final, tail: [] }
      const open = wrapInline(inline.nodes, { from: done, to: total, width: room }).filter(
        ({ spans }, index, all) => spans.length > 0 || index < all.length - 1,
      )
      const tail = mayBeHeader() && source.startsWith('|') ? [headerRow(source)] : open.map(toRow)
      if (rows.length > 0) forget(inline)
      return { final, tail }
    },
  }
}

/** A line that may yet be the head of a table looks like one. */
function headerRow(source: string): LeafRow {
  const text = splitTableRow(source).join('  ')
  return { spans: [{ text, look: 0 }], width: text.length }
}
