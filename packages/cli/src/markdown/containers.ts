/** What a block may stand in. */
export type Container = Quote | Item

export interface Quote {
  readonly kind: 'quote'
}

export interface Item {
  readonly kind: 'item'
  /** `-`, `+`, `*`, `.` or `)`: items of one list have the same. */
  readonly delimiter: string
  /** Of an ordered list. */
  readonly number: number | undefined
  readonly task: 'done' | 'open' | undefined
  /** Columns before the marker and before the text, from the quote it stands in, or from the margin. */
  readonly indent: number
  readonly content: number
}

export interface Indent {
  columns: number
  /** Characters. */
  length: number
}

const tabStop = 4

export function indentOf(line: string): Indent {
  let columns = 0
  let length = 0
  for (; line[length] === ' ' || line[length] === '\t'; length++) {
    columns += line[length] === '\t' ? tabStop - (columns % tabStop) : 1
  }
  return { columns, length }
}

/** Without its first columns, as far as they are blank. */
export function dropColumns(line: string, count: number): string {
  let columns = 0
  let at = 0
  for (; columns < count && (line[at] === ' ' || line[at] === '\t'); at++) {
    columns += line[at] === '\t' ? tabStop - (columns % tabStop) : 1
  }
  return ' '.repeat(Math.max(0, columns - count)) + line.slice(at)
}
