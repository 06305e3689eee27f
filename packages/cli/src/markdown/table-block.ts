import type { Leaf, LeafRow, LeafRows } from './leaf.ts'
import { type ColumnWidths, chooseWidths, type TableHead, toBodyRows, toHeadRows } from './table-layout.ts'
import { splitTableRow } from './table-syntax.ts'

/** Rows that are waited for, until the widths of the columns are chosen for good. */
const mostHeld = 8
const mostHeldRows = 12
/** What is longer than a row of a table can be goes on below it. */
const longestLine = 4000

/** A table. Its first rows may still move; then the columns stay, and each row stays when it is complete. */
export function createTable(head: TableHead): Leaf {
  const lines: string[] = []
  let held: string[][] = []
  let line = ''
  let widths: { chosen: ColumnWidths } | undefined
  let hasRecord = false

  const toCells = (text: string): string[] => {
    const cells = splitTableRow(text)
    const last = head.cells.length - 1
    return cells.length <= last + 1 ? cells : [...cells.slice(0, last), cells.slice(last).join(' | ')]
  }

  function show(rows: readonly string[][], chosen: ColumnWidths, width: number): LeafRow[] {
    return rows.flatMap((row) => {
      const shown = toBodyRows(head, row, chosen, width)
      const isNext = hasRecord
      hasRecord ||= !chosen && shown.length > 0
      return !chosen && isNext && shown.length > 0 ? [{ spans: [], width: 0 }, ...shown] : shown
    })
  }

  /** Leaves no trace: what is shown now is shown again. */
  function preview(rows: readonly string[][], chosen: ColumnWidths, width: number): LeafRow[] {
    const before = hasRecord
    const shown = show(rows, chosen, width)
    hasRecord = before
    return shown
  }

  function settle(width: number, isOpen: boolean): LeafRow[] {
    const chosen = chooseWidths(head, { rows: held, isOpen }, width)
    widths = { chosen }
    const rows = [...toHeadRows(head, chosen), ...show(held, chosen, width)]
    held = []
    return rows
  }

  function takeLine(text: string, width: number): LeafRow[] {
    const cells = toCells(text)
    if (widths) return show([cells], widths.chosen, width)
    held.push(cells)
    const rows = preview(held, chooseWidths(head, { rows: held, isOpen: false }, width), width)
    return held.length > mostHeld || rows.length > mostHeldRows ? settle(width, true) : []
  }

  return {
    isSetOff: true,
    isVerbatim: false,
    add(text) {
      for (let at = 0; at < text.length; ) {
        const room = longestLine - line.length
        line += text.slice(at, at + room)
        at += room
        if (line.length >= longestLine) this.endLine()
      }
    },
    endLine() {
      if (line.trim() !== '') lines.push(line)
      line = ''
    },
    take(width, isOver): LeafRows {
      if (isOver) this.endLine()
      const final: LeafRow[] = []
      for (const text of lines.splice(0)) for (const row of takeLine(text, width)) final.push(row)
      if (isOver && !widths) final.push(...settle(width, false))
      const open = line.trim() === '' ? [] : [toCells(line)]
      if (widths) {
        const fit = widths.chosen && Math.max(...widths.chosen) > width ? undefined : widths.chosen
        return { final, tail: preview(open, fit, width) }
      }
      const rows = [...held, ...open]
      const chosen = chooseWidths(head, { rows, isOpen: false }, width)
      return { final, tail: [...toHeadRows(head, chosen), ...preview(rows, chosen, width)] }
    },
  }
}
