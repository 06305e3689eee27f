import { displayWidth } from '../output/width.ts'
import { type InlineNode, visibleLength } from './inline-nodes.ts'
import type { LeafRow } from './leaf.ts'
import { bold, dim, type Span } from './look.ts'
import { parseInline } from './parse-inline.ts'
import type { Alignment } from './table-syntax.ts'
import type { Theme } from './theme.ts'
import { type WrappedRow, wrapInline } from './wrap-inline.ts'

/** Cells of a column each; undefined: the rows are written as `label: value` lines. */
export type ColumnWidths = readonly number[] | undefined

export interface TableHead {
  cells: readonly string[]
  alignments: readonly Alignment[]
  theme: Theme
}

const gap = 2
/** A column that is too narrow for its words, or for these cells, is not readable. */
const least = 8
const longestKept = 20
const recordIndent = 2

export interface TableRows {
  rows: readonly (readonly string[])[]
  /** More rows may come, with wider cells. */
  isOpen: boolean
}

/** As wide as the cells are; where that is too wide, the widest columns are wrapped; where that does not do, none. */
export function chooseWidths(head: TableHead, { rows, isOpen }: TableRows, width: number): ColumnWidths {
  if (head.theme.plain) return undefined
  const columns = head.cells.map((title, index) => [title, ...rows.map((row) => row[index] ?? '')])
  const natural = columns.map((cells) => Math.max(1, ...cells.map((cell) => Math.min(width, cellWidth(head, cell)))))
  const smallest = columns.map((cells, index) => {
    const word = Math.max(...cells.flatMap((cell) => cell.split(/\s/).map(displayWidth)))
    return Math.min(natural[index] ?? 1, Math.max(least, Math.min(longestKept, word)))
  })
  const room = width - gap * (natural.length - 1)
  const widths = shrink(isOpen ? widen(natural, room) : natural, smallest, room)
  if (!widths) return undefined
  if (head.alignments.at(-1) !== 'left') return widths
  const others = widths.slice(0, -1).reduce((sum, each) => sum + each + gap, 0)
  return [...widths.slice(0, -1), width - others]
}

/** By half of what they are, as far as there is room. */
function widen(natural: readonly number[], room: number): number[] {
  const share = Math.floor((room - natural.reduce((sum, each) => sum + each, 0)) / natural.length)
  return natural.map((each) => each + Math.max(0, Math.min(share, Math.ceil(each / 2) + 2)))
}

function shrink(natural: readonly number[], smallest: readonly number[], room: number): number[] | undefined {
  const widths = [...natural]
  for (let over = widths.reduce((sum, each) => sum + each, -room); over > 0; over--) {
    const slack = widths.map((each, index) => (each > (smallest[index] ?? 0) ? each : 0))
    const widest = slack.indexOf(Math.max(...slack))
    if ((slack[widest] ?? 0) === 0) return undefined
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

function cellWidth(head: TableHead, cell: string): number {
  const lines = parseCell(head, cell)
    .map(({ text }) => text)
    .join('')
    .split('\n')
  return Math.max(...lines.map(displayWidth))
}

/** Marks that begin in a cell end in it. An address in it is broken where the column ends. */
function parseCell({ theme }: TableHead, cell: string): readonly InlineNode[] {
  const { nodes } = parseInline(cell, { isClosed: true, before: '', reach: cell.length + 2, theme })
  for (const node of nodes) node.isWhole = false
  return nodes
}

export function toHeadRows(head: TableHead, widths: ColumnWidths): LeafRow[] {
  if (!widths) return []
  const titles = toColumnRows(head, head.cells, widths).map(({ spans, width }) => ({
    spans: spans.map((span) => ({ ...span, look: span.look | bold })),
    width,
  }))
  const lines = head.cells.map((title, index) =>
    head.theme.line.repeat(
      Math.min(widths[index] ?? 0, Math.max(3, cellWidth(head, title), lineWidth(head, widths, index))),
    ),
  )
  return [...titles, toRow([{ text: lines.join(' '.repeat(gap)), look: dim }])]
}

/** The last column may take all the room there is; its line need not. */
function lineWidth({ alignments, cells }: TableHead, widths: readonly number[], index: number): number {
  const isOpen = index === cells.length - 1 && alignments[index] === 'left'
  return isOpen ? 0 : (widths[index] ?? 0)
}

export function toBodyRows(head: TableHead, row: readonly string[], widths: ColumnWidths, width: number): LeafRow[] {
  return widths ? toColumnRows(head, row, widths) : toRecordRows(head, row, width)
}

function toColumnRows(head: TableHead, row: readonly string[], widths: readonly number[]): LeafRow[] {
  const cells = widths.map((width, index) => wrapCell(parseCell(head, row[index] ?? ''), width))
  const height = Math.max(1, ...cells.map(({ length }) => length))
  return Array.from({ length: height }, (_, line) => {
    const spans: Span[] = []
    for (const [index, width] of widths.entries()) {
      const cell = cells[index]?.[line]
      const free = Math.max(0, width - (cell?.width ?? 0))
      const alignment = head.alignments[index]
      const left = alignment === 'right' ? free : alignment === 'center' ? Math.floor(free / 2) : 0
      if (index > 0) spans.push({ text: ' '.repeat(gap), look: 0 })
      spans.push({ text: ' '.repeat(left), look: 0 }, ...(cell?.spans ?? []), {
        text: ' '.repeat(free - left),
        look: 0,
      })
    }
    return toRow(trimRow(spans))
  })
}

function trimRow(spans: Span[]): Span[] {
  while (spans.length > 0 && spans.at(-1)?.text.trim() === '') spans.pop()
  return spans
}

function wrapCell(nodes: readonly InlineNode[], width: number): WrappedRow[] {
  const rows = wrapInline(nodes, { from: 0, to: visibleLength(nodes), width })
  return rows.at(-1)?.spans.length === 0 ? rows.slice(0, -1) : rows
}

function toRecordRows(head: TableHead, row: readonly string[], width: number): LeafRow[] {
  return head.cells.flatMap((title, index) => {
    const cell = row[index] ?? ''
    if (cell === '') return []
    const label = parseCell(head, title).map(({ text, look }) => ({ text, look: look | bold }))
    const nodes = parseCell(head, cell)
    const colon = { text: title === '' ? '' : ': ', look: bold }
    const lead = toRow([...label, colon])
    const isLong = lead.width > width / 2
    const first = isLong ? recordIndent : lead.width
    const [top, ...more] = wrapCell(nodes, Math.max(1, width - first))
    const hanging = more.length === 0 ? [] : wrapRest(nodes, top?.end ?? 0, width)
    const indent = { text: ' '.repeat(recordIndent), look: 0 }
    const rest = hanging.map(({ spans }) => toRow([indent, ...spans]))
    if (isLong) return [lead, toRow([indent, ...(top?.spans ?? [])]), ...rest]
    return [toRow([...lead.spans, ...(top?.spans ?? [])]), ...rest]
  })
}

function wrapRest(nodes: readonly InlineNode[], from: number, width: number): WrappedRow[] {
  const room = Math.max(1, width - recordIndent)
  const rows = wrapInline(nodes, { from, to: visibleLength(nodes), width: room })
  return rows.at(-1)?.spans.length === 0 ? rows.slice(0, -1) : rows
}

function toRow(spans: readonly Span[]): LeafRow {
  return { spans, width: spans.reduce((sum, { text }) => sum + displayWidth(text), 0) }
}
