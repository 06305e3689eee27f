import type { Output } from '../output/output.ts'
import type { Row } from './rows.ts'

/** Writes final rows once, and draws the rows that may change below them again and again. */
export interface LivePainter {
  paint(final: readonly Row[], tail: readonly Row[]): Promise<void>
  /** Takes the tail off the screen; the cursor is where it began, on a row of its own. */
  clear(): Promise<void>
}

export interface LivePainterOptions {
  output: Output
  /** Of the terminal, as they are now. */
  size: () => { columns: number; rows: number }
}

const synchronized = { on: '\u001b[?2026h', off: '\u001b[?2026l' }
const cursor = { on: '\u001b[?25h', off: '\u001b[?25l' }
/** Off, no row can become two, however the terminal counts its cells. */
const wrapping = { on: '\u001b[?7h', off: '\u001b[?7l' }
const eraseRight = '\u001b[K'
/**
 * What is right of and below the cursor at the beginning of a row. It does not begin in the first cell of a screen:
 * tmux and the Windows console take that for a cleared screen, and keep what was to go.
 */
const eraseBelow = '\u001b[K\u001b[C\u001b[J\r'

/**
 * Between two frames the cursor is hidden where the tail begins. A terminal that is resized moves it along with that
 * row, so the tail is found again without counting rows, which nobody can do who does not know how the terminal breaks
 * them. Each frame is one write, and writes over what was there before it erases the rest, so that nothing flickers
 * where synchronized updates are unknown.
 */
export function createLivePainter({ output, size }: LivePainterOptions): LivePainter {
  let shown: readonly Row[] = []
  let shownColumns = 0

  function frame(final: readonly Row[], tail: readonly Row[], columns: number): string {
    const isNarrow = final.some(({ width, text }) => width > columns || text.includes('\t'))
    const isResized = columns !== shownColumns
    const mustErase = shown.length > 0 && (isNarrow || isResized || shown.length > final.length + tail.length)
    const overwritten = mustErase ? 0 : shown.length
    const line = ({ text, width }: Row, index: number) => {
      if (index >= overwritten) return text
      // In the last column the cursor stands still on the last character: erasing would take that away.
      return width >= columns ? eraseRight + text : text + eraseRight
    }
    const settled = final.map((row, index) => `${line(row, index)}\r\n`).join('')
    const open = tail.map((row, index) => line(row, final.length + index)).join('\r\n')
    const back = tail.length > 1 ? `\u001b[${tail.length - 1}A\r` : '\r'
    const live = tail.length > 0 ? `${wrapping.off}${open}${wrapping.on}${back}` : ''
    return `${mustErase ? eraseBelow : ''}${settled}${live}`
  }

  return {
    paint(final, rows) {
      const { columns, rows: height } = size()
      const tail = rows.slice(-Math.max(1, height - 1))
      const isSeen = isSame(tail, shown) && (columns === shownColumns || shown.length === 0)
      if (final.length === 0 && isSeen) return output.write('')
      const before = shown.length === 0 && tail.length > 0 ? cursor.off : ''
      const after = shown.length > 0 && tail.length === 0 ? cursor.on : ''
      const text = frame(final, tail, columns)
      shown = tail
      shownColumns = columns
      return output.write(`${synchronized.on}${before}${text}${after}${synchronized.off}`)
    },
    clear() {
      if (shown.length === 0) return output.write('')
      shown = []
      return output.write(`${eraseBelow}${cursor.on}`)
    },
  }
}

function isSame(tail: readonly Row[], shown: readonly Row[]): boolean {
  return tail.length === shown.length && tail.every(({ text }, index) => text === shown[index]?.text)
}
