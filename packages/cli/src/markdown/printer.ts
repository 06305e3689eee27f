import type { Output } from '../output/output.ts'
import { loadHighlighter } from './highlight-lines.ts'
import { createLivePainter, type LivePainter } from './live-painter.ts'
import { createMarkdownRenderer, type MarkdownRenderer } from './renderer.ts'
import type { Row } from './rows.ts'

export interface MarkdownPrinterOptions {
  /** Says whether there are colours, how wide it is and whether rows can be drawn again. */
  output: Output
  /** For a screen reader: only what is final, line by line, without decoration. */
  plain?: boolean
  /** False for a terminal that shows ASCII only. */
  unicode?: boolean
  /** The terminal knows links (OSC 8). */
  hyperlinks?: boolean
  /** For tests. */
  clock?: PrinterClock
}

export interface PrinterClock {
  /** Milliseconds. */
  now(): number
  /** Returns what stops the timer. */
  start(listener: () => void, afterMs: number): () => void
}

/**
 * Prints one answer in Markdown while it comes. It owns the row of the cursor and what is below it, from the first
 * `write` to `end`, but not while it is hidden.
 */
export interface MarkdownPrinter {
  /** More of the answer. Resolves when more may come. */
  write(text: string): Promise<void>
  /** Shows now what would be shown with the next frame. */
  flush(): Promise<void>
  /** Takes what may still change off the screen, at once, so that something else can stand there. */
  hide(): void
  show(): void
  /** After the terminal was resized. Without it, the next frame notices. */
  setColumns(columns: number): void
  /** All of it is on the screen, and the cursor on a fresh row. */
  end(): Promise<void>
}

const frameMs = 34
const usualRows = 24

export function createMarkdownPrinter(options: MarkdownPrinterOptions): MarkdownPrinter {
  const { output, plain = false, unicode = true, hyperlinks = false, clock = systemClock } = options
  const { colors } = output.style
  let columns = output.columns
  const size = () => ({ columns, rows: rowsOf(output) })
  const renderer = createMarkdownRenderer({ columns, colors: colors && !plain, plain, unicode, hyperlinks })
  const painter = output.canRedraw && !plain ? createLivePainter({ output, size }) : createLinePainter(output)
  const highlighting = createHighlighting(renderer, colors && !plain)
  let waiting = ''
  /** Became final by a resize, and not shown yet. */
  let settled: readonly Row[] = []
  let isHidden = false
  let paintedAt = Number.NEGATIVE_INFINITY
  let stopTimer: (() => void) | undefined
  let busy = Promise.resolve()

  function paint(): Promise<void> {
    stopTimer?.()
    stopTimer = undefined
    if (isHidden || highlighting.isLoading) return busy
    paintedAt = clock.now()
    const text = waiting
    waiting = ''
    resize(output.columns)
    const { final, tail } = renderer.push(text)
    const rows = [...settled, ...final]
    settled = []
    busy = painter.paint(rows, tail)
    return busy
  }

  function resize(wanted: number): void {
    if (wanted === columns) return
    columns = wanted
    settled = [...settled, ...renderer.setColumns(columns).final]
  }

  function paintInTime(): Promise<void> {
    const wait = paintedAt + frameMs - clock.now()
    if (wait <= 0) return paint()
    stopTimer ??= clock.start(() => void paint(), wait)
    return busy
  }

  return {
    write(text) {
      waiting += text
      const loading = highlighting.need(text)
      return loading ? loading.then(paintInTime) : paintInTime()
    },
    async flush() {
      await highlighting.ready
      await paint()
    },
    hide() {
      if (isHidden) return
      void paint()
      isHidden = true
      busy = painter.clear()
    },
    show() {
      isHidden = false
      void paint()
    },
    setColumns(wanted) {
      resize(wanted)
      void paint()
    },
    async end() {
      await highlighting.ready
      isHidden = false
      await paint()
      const { final } = renderer.end()
      await painter.paint(final, [])
    },
  }
}

/** Where nothing can be drawn again, only what is final is written. */
function createLinePainter(output: Output): LivePainter {
  return {
    paint: (final) => output.write(final.map(({ text }) => `${text}\n`).join('')),
    clear: () => output.write(''),
  }
}

/** The highlighter is loaded when the first code comes; what comes with and after it waits for that. */
function createHighlighting(renderer: MarkdownRenderer, isWanted: boolean) {
  let ready: Promise<void> | undefined
  let isLoading = false
  let last = ''
  return {
    get isLoading() {
      return isLoading
    },
    get ready() {
      return ready
    },
    /** Resolves when the text can be shown; undefined: now. */
    need(text: string): Promise<void> | undefined {
      const seen = last + text
      last = seen.slice(-2)
      if (isWanted && !ready && /```|~~~/.test(seen)) {
        isLoading = true
        ready = loadHighlighter().then((highlighter) => {
          renderer.useHighlighter(highlighter)
          isLoading = false
        })
      }
      return isLoading ? ready : undefined
    },
  }
}

function rowsOf({ stream }: Output): number {
  const rows = 'rows' in stream ? stream.rows : undefined
  return typeof rows === 'number' && rows > 0 ? rows : usualRows
}

const systemClock: PrinterClock = {
  now: () => performance.now(),
  start(listener, afterMs) {
    const timer = setTimeout(listener, afterMs)
    return () => clearTimeout(timer)
  },
}
