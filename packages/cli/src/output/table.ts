import { displayWidth, fitWidth, padWidth } from './width.ts'

export interface Column {
  title: string
  align?: 'right'
  /** May be cut to this many cells when the terminal is narrow. Absent: never cut. */
  least?: number
}

const gap = '  '

/**
 * Rows under titles, each column as wide as it must be. Where they do not fit, columns that may be cut are cut,
 * the widest first; where that is not enough, each row becomes a few lines of its own.
 */
export function toTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const widths = columns.map(({ title }, index) =>
    Math.max(displayWidth(title), ...rows.map((row) => displayWidth(row[index] ?? ''))),
  )
  if (!shrink(columns, widths, width)) return toBlocks(columns, rows, width)
  const titles = columns.map(({ title }) => title)
  return [titles, ...rows].map((row) => toLine(columns, widths, row)).join('')
}

/** False when the least widths do not fit either. */
function shrink(columns: readonly Column[], widths: number[], width: number): boolean {
  const total = () => widths.reduce((sum, each) => sum + each, gap.length * (widths.length - 1))
  while (total() > width) {
    const slack = widths.map((each, index) => each - (columns[index]?.least ?? each))
    const widest = slack.indexOf(Math.max(...slack))
    const free = slack[widest] ?? 0
    if (free <= 0) return false
    widths[widest] = (widths[widest] ?? 0) - Math.min(free, total() - width)
  }
  return true
}

function toLine(columns: readonly Column[], widths: readonly number[], row: readonly string[]): string {
  const cells = columns.map(({ align }, index) => {
    const width = widths[index] ?? 0
    return padWidth(fitWidth(row[index] ?? '', width), width, align)
  })
  return `${cells.join(gap).trimEnd()}\n`
}

function toBlocks(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const label = Math.max(...columns.map(({ title }) => displayWidth(title)))
  return rows
    .map((row) =>
      toFields(
        columns.map(({ title }, index) => [title, row[index] ?? '']),
        width,
        label,
      ),
    )
    .join('\n')
}

/** Name and value, a line each, empty values left out; values that are too long go on below themselves. */
export function toFields(
  fields: readonly (readonly [string, string])[],
  width: number,
  label: number = Math.max(0, ...fields.map(([name, value]) => (value === '' ? 0 : displayWidth(name)))),
): string {
  const room = Math.max(16, width - label - gap.length)
  const indent = ' '.repeat(label)
  return fields
    .filter(([, value]) => value !== '')
    .map(([name, value]) =>
      wrap(value, room)
        .map((line, index) => `${index === 0 ? padWidth(name, label) : indent}${gap}${line}\n`)
        .join(''),
    )
    .join('')
}

/** Lines of at most so many cells, broken between words; a word that is longer stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
