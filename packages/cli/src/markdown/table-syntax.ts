export type Alignment = 'left' | 'right' | 'center'

const longestHeader = 500
/** A table whose rows begin without a bar is one when the first bar comes soon. */
const soon = 10

/** Whether the first line of a paragraph, or what there is of it, may yet be the head of a table. */
export function mayBeTableHeader(line: string): boolean {
  if (line.length > longestHeader) return false
  return line.length <= soon || isTableHeader(line)
}

export function isTableHeader(line: string): boolean {
  if (line.length > longestHeader) return false
  const bar = line.indexOf('|')
  return bar >= 0 && bar < soon
}

/** What may become the line below the head. */
export function isPartOfDelimiters(line: string): boolean {
  return line.length <= longestHeader && /^[ \t|:-]*$/.test(line)
}

/** The line below the head of a table, for so many columns; undefined when it is none. */
export function parseDelimiters(line: string, columns: number): Alignment[] | undefined {
  if (!isPartOfDelimiters(line) || !line.includes('-')) return undefined
  const cells = splitTableRow(line)
  if (cells.length !== columns || (columns === 1 && !line.includes('|'))) return undefined
  const alignments: Alignment[] = []
  for (const cell of cells) {
    if (!/^:?-+:?$/.test(cell)) return undefined
    const isRight = cell.endsWith(':')
    alignments.push(isRight ? (cell.startsWith(':') ? 'center' : 'right') : 'left')
  }
  return alignments
}

/** Cells between bars. A bar after a backslash or within code is text. */
export function splitTableRow(line: string): string[] {
  const cells: string[] = []
  let cell = ''
  let code = 0
  for (const [piece] of line.trim().matchAll(/\\[^\n]|`+|\||[^\\`|]+|\\/g)) {
    if (piece === '|' && code === 0) {
      cells.push(cell.trim())
      cell = ''
      continue
    }
    if (piece.startsWith('`')) code = code === 0 ? piece.length : code === piece.length ? 0 : code
    cell += piece === '\\|' ? '|' : piece
  }
  if (cells.length > 0 && cells[0] === '') cells.shift()
  return cell.trim() === '' ? cells : [...cells, cell.trim()]
}
