import { toOneLine } from '../../../../output/sanitize.ts'
import { displayWidth, fitWidth } from '../../../../output/width.ts'
import { type Chips, isChipMark } from '../text/chips.ts'
import { units } from '../text/units.ts'
import { type Cell, toCell } from './cell.ts'

/** A row of the text as it is shown. */
export interface TextRow {
  readonly cells: readonly TextCell[]
  /** Where it begins and ends in the text; a line break behind it is not in it. */
  readonly start: number
  readonly end: number
  /** Whether a line ends here; else it goes on in the next row. */
  readonly endsLine: boolean
}

export interface TextCell extends Cell {
  readonly offset: number
}

export interface Place {
  readonly row: number
  readonly column: number
}

const tabWidth = 4

/** Breaks the text into rows of at most so many places, between words where it can. */
export function layOut(text: string, chips: Chips, width: number): TextRow[] {
  const rows: TextRow[] = []
  let offset = 0
  for (const line of text.split('\n')) {
    rows.push(...layOutLine(line, offset, { chips, width: Math.max(2, width) }))
    offset += line.length + 1
  }
  return rows
}

interface LineOptions {
  chips: Chips
  width: number
}

function layOutLine(line: string, start: number, options: LineOptions): TextRow[] {
  const rows: TextRow[] = []
  let cells: TextCell[] = []
  let used = 0
  let offset = start
  const endRow = (kept: number) => {
    const rest = cells.slice(kept)
    const first = rest[0]?.offset ?? offset
    const from = rows.at(-1)?.end ?? start
    rows.push({ cells: cells.slice(0, kept), start: from, end: first, endsLine: false })
    cells = rest
    used = widthOf(rest)
  }
  for (const unit of units(line)) {
    const cell = { ...cellOf(unit, used, options), offset }
    if (used + cell.width > options.width) endRow(breakPoint(cells, unit))
    if (used + cell.width > options.width) endRow(cells.length)
    cells.push(cell)
    used += cell.width
    offset += unit.length
  }
  rows.push({ cells, start: rows.at(-1)?.end ?? start, end: offset, endsLine: true })
  return rows
}

function cellOf(unit: string, used: number, { chips, width }: LineOptions): Cell {
  if (unit === '\t') {
    const blanks = Math.min(width, tabWidth - (used % tabWidth))
    return { text: ' '.repeat(blanks), width: blanks }
  }
  if (!isChipMark(unit)) return toCell(unit)
  const text = fitWidth(`[${toOneLine(chips.get(unit)?.label ?? '')}]`, width)
  return { text, width: displayWidth(text), style: 'cyan' }
}

/** How many cells stay when the next one does not fit: those up to the last blank, or all of them. */
function breakPoint(cells: readonly TextCell[], next: string): number {
  if (isBlank(next) || displayWidth(next) > 1) return cells.length
  const last = cells.findLastIndex((cell) => isBlank(cell.text) || cell.width > 1)
  return last < 0 ? cells.length : last + 1
}

function isBlank(text: string): boolean {
  return text.trim() === ''
}

function widthOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + cell.width, 0)
}

/** Where a place in the text is shown. At the break of a line that goes on it is the beginning of the next row. */
export function toPlace(rows: readonly TextRow[], offset: number): Place {
  const row = Math.max(
    0,
    rows.findLastIndex(({ start }) => start <= offset),
  )
  const before = (rows[row]?.cells ?? []).filter((cell) => cell.offset < offset)
  return { row, column: widthOf(before) }
}

/** The place in the text that is nearest to a column of a row. */
export function toOffset(rows: readonly TextRow[], { row, column }: Place): number {
  const wanted = rows[row]
  if (!wanted) return 0
  let used = 0
  for (const cell of wanted.cells) {
    if (used + cell.width / 2 > column) return cell.offset
    used += cell.width
  }
  const last = wanted.cells.at(-1)
  return wanted.endsLine || !last ? wanted.end : last.offset
}
