import { toTerminalText } from '../output/sanitize.ts'
import { createBlockReader } from './block-reader.ts'
import type { Highlighter } from './highlight-lines.ts'
import { openLeaf } from './open-leaf.ts'
import { createRows, type Row } from './rows.ts'
import { createTable } from './table-block.ts'
import { splitTableRow } from './table-syntax.ts'
import { createTheme, type ThemeOptions } from './theme.ts'

export interface RendererOptions extends ThemeOptions {
  /** Of the terminal. */
  columns: number
  highlighter?: Highlighter
}

export interface Rendered {
  /** What became final since the last call: these rows never change. */
  readonly final: readonly Row[]
  /** The rows below them, which may still change. None is wider than the terminal. */
  readonly tail: readonly Row[]
}

/**
 * Markdown as rows of a terminal, while it comes. The final rows depend on the text and the columns only, not on the
 * pieces in which it came; the work is linear in the text.
 */
export interface MarkdownRenderer {
  push(text: string): Rendered
  /** The text is over: all of it is final. */
  end(): Rendered
  /** For all that is not final yet. */
  setColumns(columns: number): Rendered
  /** For the code blocks that begin from now on. */
  useHighlighter(highlighter: Highlighter): void
}

const fewestColumns = 4

export function createMarkdownRenderer(options: RendererOptions): MarkdownRenderer {
  const theme = createTheme(options)
  const toColumns = (columns: number) => (theme.plain ? Number.POSITIVE_INFINITY : Math.max(fewestColumns, columns))
  const rows = createRows(theme, toColumns(options.columns))
  let { highlighter } = options
  /** The first half of a character that was cut in two. */
  let half = ''

  const reader = createBlockReader({
    open(start, containers) {
      rows.open(openLeaf(start, theme, highlighter), containers, { isApart: start.type === 'heading' })
    },
    add: (text) => rows.leaf?.add(text),
    endLine: () => rows.leaf?.endLine(),
    close: () => rows.close(),
    blank: () => rows.blank(),
    becomeTable({ alignments }) {
      rows.replace(createTable({ cells: splitTableRow(rows.leaf?.header ?? ''), alignments, theme }))
    },
    get header() {
      return rows.leaf?.header
    },
  })

  function render(): Rendered {
    const { final, tail } = rows.take()
    return { final, tail: theme.plain ? [] : tail }
  }

  return {
    push(text) {
      const whole = half + text
      half = /[\ud800-\udbff]$/.test(whole) ? whole.slice(-1) : ''
      reader.push(toTerminalText(half === '' ? whole : whole.slice(0, -1)))
      return render()
    },
    end() {
      reader.push(half)
      half = ''
      reader.end()
      return render()
    },
    setColumns(columns) {
      rows.columns = toColumns(columns)
      return render()
    },
    useHighlighter(loaded) {
      highlighter = loaded
    },
  }
}
