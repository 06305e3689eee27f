import stringWidth from 'string-width'

export interface ScreenOptions {
  columns: number
  rows: number
  /** Whether rows that the terminal broke are joined and broken anew when it is resized. Most do; xterm does not. */
  reflows?: boolean
}

/** What a terminal shows: as much of one as the command line uses. */
export interface Screen {
  write(text: string): void
  resize(columns: number, rows?: number): void
  /** All rows, from the oldest in the scrollback to the last one with something on it. Spaces that were written stay. */
  readonly lines: readonly string[]
  /** As it is copied: a row that the terminal broke is one line. */
  readonly copied: readonly string[]
  readonly column: number
  /** Of the cursor, among `lines`. */
  readonly line: number
  readonly isCursorShown: boolean
  /** Everything that was not understood. */
  readonly unknown: readonly string[]
}

interface ScreenRow {
  /** One for each cell; the second cell of a wide character is empty, an erased one undefined. */
  cells: (string | undefined)[]
  /** It goes on on the next row. */
  isBroken: boolean
}

const sequence =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is parsed
  /^\u001b(?:\[([?]?)([\d;]*)([A-Za-z])|\]8;[^\u0007\u001b]*(?:\u0007|\u001b\\))/
const segmenter = new Intl.Segmenter()

export function createScreen({ columns: firstColumns, rows: firstRows, reflows = true }: ScreenOptions): Screen {
  const unknown: string[] = []
  const emptyRow = (): ScreenRow => ({ cells: [], isBroken: false })
  let columns = firstColumns
  let height = firstRows
  /** Scrollback and screen. */
  let all = Array.from({ length: height }, emptyRow)
  let x = 0
  let y = 0
  let isWrapping = true
  /** The last column was written: the next character goes on the next row. */
  let isPending = false
  let isCursorShown = true

  const row = (): ScreenRow => {
    const found = all[y]
    if (!found) throw new Error(`There is no row ${y} of ${all.length}.`)
    return found
  }

  function down(): void {
    y += 1
    if (y >= all.length) all.push(emptyRow())
  }

  function put(character: string, width: number): void {
    if (width === 0) {
      const at = isPending ? x : x - 1
      const cells = row().cells
      if (cells[at] !== undefined) cells[at] += character
      return
    }
    if (isWrapping && (isPending || x + width > columns)) {
      row().isBroken = true
      down()
      x = 0
    }
    isPending = false
    if (x + width > columns) x = columns - width
    const { cells } = row()
    cells[x] = character
    if (width === 2) cells[x + 1] = ''
    x += width
    if (x >= columns) {
      x = columns - 1
      isPending = isWrapping
    }
  }

  function control(code: string, name: string, isPrivate: boolean) {
    const value = code === '' ? 1 : Number.parseInt(code, 10)
    if (isPrivate) return setMode(code, name === 'h')
    if (name === 'm') return
    isPending = false
    if (name === 'A') y = Math.max(all.length - height, y - value)
    else if (name === 'C') x = Math.min(columns - 1, x + value)
    else if (name === 'K' && code === '') eraseRight()
    else if (name === 'J' && code === '') {
      eraseRight()
      for (const below of all.slice(y + 1)) Object.assign(below, emptyRow())
    } else unknown.push(`${code}${name}`)
  }

  function eraseRight(): void {
    row().cells.length = Math.min(row().cells.length, x)
    row().isBroken = false
  }

  function setMode(code: string, isOn: boolean): void {
    if (code === '7') {
      isWrapping = isOn
      isPending = false
    } else if (code === '25') isCursorShown = isOn
    else if (code !== '2026') unknown.push(`?${code}`)
  }

  function putText(text: string): void {
    for (const { segment } of segmenter.segment(text)) {
      if (segment === '\r\n' || segment === '\n' || segment === '\r') {
        // A terminal in its usual mode takes a line feed for both.
        x = 0
        isPending = false
        if (segment !== '\r') down()
      } else if (segment === '\t') x = Math.min(columns - 1, (Math.floor(x / 8) + 1) * 8)
      else put(segment, stringWidth(segment))
    }
  }

  /** The cursor stays on its character. */
  function reflow(): void {
    const old = all
    const { cells: here } = row()
    const isOnNothing = x > here.length
    all = []
    let line: (string | undefined)[] = []
    let cursor: { offset: number } | undefined
    for (const [index, { cells, isBroken }] of old.entries()) {
      if (index === y) cursor = { offset: line.length + x }
      line.push(...cells)
      if (isBroken && index < old.length - 1) continue
      const first = all.length
      for (let at = 0; at === 0 || at < line.length; ) {
        const end = line[at + columns] === '' ? at + columns - 1 : at + columns
        all.push({ cells: line.slice(at, end), isBroken: end < line.length })
        at = end
      }
      if (cursor && y >= 0) {
        y = -1 - (first + Math.floor(cursor.offset / columns))
        x = isOnNothing ? Math.min(x, columns - 1) : cursor.offset % columns
      }
      line = []
    }
    y = Math.min(all.length - 1, -1 - y)
    while (all.length > Math.max(height, y + 1) && all.at(-1)?.cells.length === 0) all.pop()
  }

  const toText = ({ cells }: ScreenRow) => Array.from(cells, (cell) => cell ?? ' ').join('')
  const lines = () => {
    const texts = all.map(toText)
    return texts.slice(0, texts.findLastIndex((text) => text !== '') + 1)
  }

  return {
    write(text) {
      for (let rest = text; rest !== ''; ) {
        const at = rest.indexOf('\u001b')
        putText(at < 0 ? rest : rest.slice(0, at))
        if (at < 0) return
        rest = rest.slice(at)
        const [found, isPrivate, code = '', name] = sequence.exec(rest) ?? []
        if (found === undefined) unknown.push(rest.slice(0, 8))
        else if (name !== undefined) control(code, name, isPrivate === '?')
        rest = rest.slice(found?.length ?? 1)
      }
    },
    resize(wanted, rows = height) {
      columns = wanted
      height = rows
      isPending = false
      if (reflows) reflow()
      else for (const each of all) each.cells.length = Math.min(each.cells.length, columns)
      x = Math.min(x, columns - 1)
      while (all.length < height) all.push(emptyRow())
    },
    get lines() {
      return lines()
    },
    get copied() {
      const copied: string[] = []
      let open = ''
      for (const each of all.slice(0, lines().length)) {
        open += toText(each)
        if (each.isBroken) continue
        copied.push(open)
        open = ''
      }
      return open === '' ? copied : [...copied, open]
    },
    get column() {
      return x
    },
    get line() {
      return y
    },
    get isCursorShown() {
      return isCursorShown
    },
    unknown,
  }
}
