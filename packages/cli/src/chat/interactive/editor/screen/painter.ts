import type { Style } from '../../../../output/style.ts'
import type { Cell, Row } from './cell.ts'
import type { Frame, Size } from './frame.ts'
import type { Place } from './layout.ts'

/** Draws frames where the cursor is, each by what changed since the one before. */
export interface Painter {
  /** The first frame begins at the left of the row of the cursor. */
  paint(frame: Frame, size: Size): void
  /** Leaves what is shown as it is; the cursor goes below it. What comes next is a first frame. */
  leave(): void
  /** Something else was written meanwhile, and the cursor is below it. */
  forget(): void
  /** Clears the whole screen; the next frame is at its top. */
  clear(): void
  /** Of the frame that is shown. */
  readonly top: number
}

export interface PainterOptions {
  write(text: string): void
  style: Style
  /** Whether the terminal breaks rows anew that are too long after its width changed. */
  reflows: boolean
}

/** Marks with variation selectors among them, flags, skin tones and what joins emoji. */
const joined = /\p{Mark}|\u200d|[\u{1f1e6}-\u{1f1ff}\u{1f3fb}-\u{1f3ff}]/u
const empty: Frame = { rows: [], cursor: { row: 0, column: 0 }, top: 0 }

export function createPainter({ write, style, reflows }: PainterOptions): Painter {
  let shown: Frame | undefined
  let shownSize: Size = { columns: 0, rows: 0 }

  /** What is shown is not erased from its top in one go: at the top of the screen tmux would keep it as history. */
  function repaint(old: Frame, frame: Frame, size: Size): void {
    const up = reflows ? rowsAbove(old, size.columns) : old.cursor.row
    const rows = frame.rows.map(({ cells }) => `\u001b[K${toText(cells, 0, style)}`)
    const last = { row: frame.rows.length - 1, column: frame.rows.at(-1)?.width ?? 0 }
    const back = `\r${move('A', Math.min(up, size.rows - 1))}`
    write(calmly(`${back}${rows.join('\r\n')}\u001b[J${travel(last, frame.cursor)}`))
  }

  return {
    paint(frame, size) {
      const isAnew = shownSize.columns !== size.columns || shownSize.rows > size.rows
      if (shown && isAnew) repaint(shown, frame, size)
      else {
        const { text, rows } = toChanges(shown ?? empty, frame, style)
        if (!shown) write(`\r\u001b[J${text}`)
        else if (text !== '') write(rows > 1 ? calmly(text) : text)
      }
      shown = frame
      shownSize = size
    },
    leave() {
      if (!shown) return
      write(`${move('B', shown.rows.length - 1 - shown.cursor.row)}\r\n`)
      shown = undefined
    },
    forget() {
      shown = undefined
    },
    clear() {
      write('\u001b[H\u001b[2J')
      shown = undefined
    },
    get top() {
      return shown?.top ?? 0
    },
  }
}

/** How far the cursor is below the beginning of the frame, after a terminal broke its rows for another width. */
function rowsAbove({ rows, cursor }: Frame, columns: number): number {
  const above = rows.slice(0, cursor.row).map(({ width }) => Math.max(1, Math.ceil(width / columns)))
  return above.reduce((sum, count) => sum + count, Math.floor(cursor.column / columns))
}

interface Changes {
  text: string
  /** How many rows changed. */
  rows: number
}

function toChanges(old: Frame, next: Frame, style: Style): Changes {
  let at: Place = old.cursor
  let bottom = Math.max(0, old.rows.length - 1)
  let text = ''
  let changed = 0
  const go = (place: Place) => {
    const below = Math.max(0, place.row - bottom)
    const column = below > 0 ? 0 : at.column
    text += vertical(Math.min(place.row, bottom) - at.row) + '\r\n'.repeat(below) + horizontal(column, place.column)
    bottom += below
    at = place
  }
  next.rows.forEach((row, index) => {
    const before = old.rows[index]
    const same = before ? sameCells(before, row) : 0
    const column = widthOf(row.cells.slice(0, same))
    const isNew = index > bottom
    if (same === row.cells.length && before?.width === column && !isNew) return
    if (same === row.cells.length && !before && !isNew) return
    changed++
    go({ row: index, column })
    if (before && before.width > column) text += before.width > row.width ? '\u001b[K' : ''
    text += toText(row.cells.slice(same), column, style)
    at = { row: index, column: row.width }
  })
  if (old.rows.length > next.rows.length) {
    go({ row: next.rows.length, column: 0 })
    text += '\u001b[J'
  }
  go(next.cursor)
  return { text, rows: changed }
}

function sameCells(before: Row, after: Row): number {
  const end = Math.min(before.cells.length, after.cells.length)
  for (let index = 0; index < end; index++) {
    const one = before.cells[index]
    const other = after.cells[index]
    if (one?.text !== other?.text || one?.style !== other?.style) return index
  }
  return end
}

/** Behind characters of several code points the column is said again: terminals do not agree on their width. */
function toText(cells: readonly Cell[], column: number, style: Style): string {
  let text = ''
  let at = column
  for (let index = 0; index < cells.length; ) {
    const run = runOf(cells, index)
    const inner = run.map((cell) => {
      at += cell.width
      return isDoubtful(cell) ? `${cell.text}\u001b[${at + 1}G` : cell.text
    })
    const name = run[0]?.style
    text += name ? style(name, inner.join('')) : inner.join('')
    index += run.length
  }
  return text
}

function runOf(cells: readonly Cell[], from: number): Cell[] {
  const name = cells[from]?.style
  const end = cells.findIndex((cell, index) => index > from && cell.style !== name)
  return cells.slice(from, end < 0 ? cells.length : end)
}

function isDoubtful({ text }: Cell): boolean {
  return joined.test(text)
}

/** The cursor is not seen on its way. */
function calmly(text: string): string {
  return `\u001b[?25l${text}\u001b[?25h`
}

function travel(from: Place, to: Place): string {
  return vertical(to.row - from.row) + horizontal(from.column, to.column)
}

function vertical(rows: number): string {
  return move(rows < 0 ? 'A' : 'B', Math.abs(rows))
}

function horizontal(from: number, to: number): string {
  if (from === to) return ''
  return to === 0 ? '\r' : `\u001b[${to + 1}G`
}

function move(direction: 'A' | 'B', count: number): string {
  return count > 0 ? `\u001b[${count}${direction}` : ''
}

function widthOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell) => sum + cell.width, 0)
}
