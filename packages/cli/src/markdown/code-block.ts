import { displayWidth } from '../output/width.ts'
import type { LineHighlighter } from './highlight-lines.ts'
import type { Leaf, LeafRow, LeafRows } from './leaf.ts'
import { bold, dim, type Look, type Span } from './look.ts'
import { splitRow } from './split-row.ts'
import type { Theme } from './theme.ts'

export interface CodeBlockOptions {
  theme: Theme
  /** As it was written after the fence; empty: none. */
  label?: string
  /** The fence as it was written, for those who see no colours. */
  fence?: string
  look?: Look
  highlighter?: LineHighlighter | undefined
}

/** A longer line is broken by us, so that what is held stays small. */
const longestLine = 16_384
const tabStop = 8

/**
 * Code as it was written: nothing stands beside it, and a line that is too long is left to the terminal, so that it is
 * copied as one line.
 */
export function createCodeBlock({
  theme,
  label = '',
  fence = '',
  look = theme.code,
  highlighter,
}: CodeBlockOptions): Leaf {
  const rest: LeafRow[] = firstRow()
  let line = ''
  let blankLines = 0

  function firstRow(): LeafRow[] {
    if (fence === '') return []
    if (theme.plain) return [toRow([{ text: label === '' ? 'code:' : `code, ${label}:`, look: 0 }])]
    if (theme.keepsMarkers) return [toRow([{ text: `${fence}${label}`, look: 0 }])]
    return label === '' ? [] : [toRow([{ text: label, look: dim | bold }])]
  }

  const lastRow = () => toRow([{ text: theme.plain ? 'end of code' : fence, look: 0 }])
  const highlight = (text: string, isOpen: boolean): Span[] =>
    (isOpen ? highlighter?.open(text) : highlighter?.next(text)) ?? [{ text, look }]

  function endLine(): void {
    if (line.trim() === '' && fence === '') blankLines += 1
    else {
      for (; blankLines > 0; blankLines--) rest.push(toRow([]))
      rest.push(toRow(highlight(line, false)))
    }
    line = ''
  }

  return {
    isSetOff: true,
    isVerbatim: true,
    add(text) {
      for (let at = 0; at < text.length; ) {
        const room = longestLine - line.length
        line += text.slice(at, at + room)
        at += room
        if (line.length >= longestLine) endLine()
      }
    },
    endLine,
    take(width, isOver): LeafRows {
      if (isOver && line !== '') endLine()
      if (isOver && fence !== '' && (theme.plain || theme.keepsMarkers)) rest.push(lastRow())
      const final = rest.splice(0)
      const tail = line === '' ? [] : splitRow(highlight(expandTabs(line), true), width)
      return { final, tail }
    },
  }
}

function toRow(spans: readonly Span[]): LeafRow {
  return { spans, width: spans.reduce((sum, { text }) => sum + displayWidth(text), 0) }
}

/** A row that is drawn again cannot hold tabs: what they jump over would stay. */
function expandTabs(line: string): string {
  if (!line.includes('\t')) return line
  let expanded = ''
  for (const [index, part] of line.split('\t').entries()) {
    if (index > 0) expanded += ' '.repeat(tabStop - (displayWidth(expanded) % tabStop))
    expanded += part
  }
  return expanded
}
