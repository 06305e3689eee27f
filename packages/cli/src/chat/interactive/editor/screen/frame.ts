import type { Chips } from '../text/chips.ts'
import { type Cell, joinCells, type Row, toRow } from './cell.ts'
import { layOut, type Place, type TextRow, toPlace } from './layout.ts'

/** All that the editor shows, and where the cursor is in it. */
export interface Frame {
  readonly rows: readonly Row[]
  readonly cursor: Place
  /** The first row of the text that is in it, where not all of them are. */
  readonly top: number
}

export interface View {
  readonly text: string
  readonly cursor: number
  readonly chips: Chips
  /** Whether Enter makes another line, because the message began with `"""`. */
  readonly isBlock: boolean
  /** Below the text: candidates, hints. */
  readonly below: readonly Row[]
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

export const promptWidth = 2

/** The last column stays free: there the cursor stands when a row is full, and nothing wraps by itself. */
export function textWidth({ columns }: Size): number {
  return Math.max(2, columns - 1 - promptWidth)
}

/** `top`: of the frame before, which moves no further than the cursor needs. */
export function toFrame(view: View, size: Size, top = 0): Frame {
  const rows = layOut(view.text, view.chips, textWidth(size))
  const cursor = toPlace(rows, view.cursor)
  const most = Math.max(1, size.rows - 1)
  const below = view.below.slice(0, Math.max(0, most - Math.min(rows.length, 3)))
  const shown = Math.min(rows.length, most - below.length)
  const first = clamp(top, Math.max(0, cursor.row - shown + 1), Math.min(cursor.row, rows.length - shown))
  const window = rows.slice(first, first + shown).map((row, index) => {
    const place = { index: first + index, first, last: first + shown - 1, count: rows.length }
    return joinCells([...prefix(place, rows, view.isBlock), ...row.cells])
  })
  return {
    rows: [...window, ...below],
    cursor: { row: cursor.row - first, column: promptWidth + cursor.column },
    top: first,
  }
}

interface PrefixPlace {
  index: number
  first: number
  last: number
  count: number
}

/** The prompt; on further lines of a block `…`; arrows where there is more than is shown. */
function prefix({ index, first, last, count }: PrefixPlace, rows: readonly TextRow[], isBlock: boolean): Cell[] {
  const beginsLine = rows[index - 1]?.endsLine ?? true
  const sign = index === 0 ? '>' : isBlock && beginsLine ? '…' : ' '
  if (index === first && first > 0) return toPrefix('↑', 'dim')
  if (index === last && last < count - 1) return toPrefix('↓', 'dim')
  return toPrefix(sign, index === 0 ? 'bold' : 'dim')
}

function toPrefix(sign: string, style: 'dim' | 'bold'): Cell[] {
  const blank: Cell = { text: ' ', width: 1 }
  return sign === ' ' ? [blank, blank] : [{ text: sign, width: 1, style }, blank]
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value))
}

/** Of one row, for what stands below the text. */
export function toHint(text: string, { columns }: Size): Row {
  return toRow(text, columns - 1, 'dim')
}
