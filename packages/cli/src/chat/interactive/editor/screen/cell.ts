import { toTerminalText } from '../../../../output/sanitize.ts'
import type { StyleName } from '../../../../output/style.ts'
import { displayWidth, fitWidth } from '../../../../output/width.ts'
import { units } from '../text/units.ts'

/** One or more places of a row that belong together. */
export interface Cell {
  readonly text: string
  readonly width: number
  readonly style?: StyleName | undefined
}

export interface Row {
  readonly cells: readonly Cell[]
  readonly width: number
}

/** What is written where a character has no width of its own: it could be anything, such as one that turns the line. */
const unseen = '·'

export function toCell(unit: string, style?: StyleName): Cell {
  const width = displayWidth(unit)
  return width > 0 ? { text: unit, width, style } : { text: unseen, width: 1, style: 'dim' }
}

/** One row of text, cut to so many places. */
export function toRow(text: string, width: number, style?: StyleName): Row {
  const line = toTerminalText(text.replace(/[\n\t]/g, ' '))
  return joinCells([...units(fitWidth(line, Math.max(0, width)))].map((unit) => toCell(unit, style)))
}

export function joinCells(cells: readonly Cell[]): Row {
  return { cells, width: cells.reduce((sum, cell) => sum + cell.width, 0) }
}
