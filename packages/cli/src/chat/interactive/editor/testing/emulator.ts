import stringWidth from 'string-width'

export interface EmulatorOptions {
  columns: number
  rows: number
  /** Breaks rows anew that are too long for another width, as most terminals do. */
  reflows?: boolean
}

/** A small terminal, as strict as one can be: what it does not know is an error. */
export interface Emulator {
  write(text: string): void
  resize(columns: number, rows: number): void
  /** From the first row of the scrollback to the last of the screen that has something in it or the cursor. */
  readonly lines: string[]
  /** Among those lines. */
  readonly cursor: { row: number; column: number }
  /** How often a row was full and what came next went to another one by itself. */
  readonly wraps: number
}

interface Line {
  cells: string[]
  goesOn: boolean
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is parsed
const token = /^(?:\u001b\[([<>?]?)([\d;]*)([A-Za-z])|\u001b([78])|([\r\n])|([^\u0000-\u001f]+))/
const segmenter = new Intl.Segmenter()

export function createEmulator({ columns, rows, reflows = true }: EmulatorOptions): Emulator {
  const blank = (): Line => ({ cells: [], goesOn: false })
  let width = columns
  let height = rows
  let all: Line[] = [blank()]
  let x = 0
  let y = 0
  let wraps = 0
  let isFull = false
  let saved = { x: 0, y: 0 }

  const top = () => Math.max(0, all.length - height)
  const line = () => {
    while (all.length <= y) all.push(blank())
    return all[y] ?? blank()
  }

  function put(unit: string): void {
    const cells = stringWidth(unit)
    if (isFull || x + cells > width) {
      wraps++
      line().goesOn = true
      x = 0
      y++
    }
    const row = line().cells
    while (row.length < x) row.push(' ')
    if (row[x] === '') row[x - 1] = ' '
    if (row[x + cells] === '') row[x + cells] = ' '
    row.splice(x, cells, unit, ...Array.from({ length: cells - 1 }, () => ''))
    isFull = x + cells === width
    x = Math.min(width - 1, x + cells)
  }

  function move(sign: string, count: number): void {
    isFull = false
    if (sign === 'A') y = Math.max(top(), y - count)
    else if (sign === 'B') {
      const wanted = y + count
      if (wanted >= top() + height) throw new Error('The cursor was moved below the screen.')
      y = wanted
    } else if (sign === 'G') x = Math.min(width, count) - 1
    else if (sign === 'H') [x, y] = [0, top()]
    else throw new Error(`CSI ${count} ${sign} is not known.`)
  }

  function erase(sign: string, what: string): void {
    if (sign === 'J' && what === '2') {
      for (let at = top(); at < all.length; at++) all[at] = blank()
      return
    }
    if (what !== '') throw new Error(`CSI ${what} ${sign} is not known.`)
    if (isFull) throw new Error('Erasing in a full row would take its last character.')
    const isAtTop = sign === 'J' && x === 0 && y === top()
    if (isAtTop && all.slice(y).some(({ cells }) => cells.length > 0)) {
      throw new Error('Where all of a screen is erased, tmux keeps it as history.')
    }
    line().cells.splice(x)
    line().goesOn = false
    if (sign === 'J') all = all.slice(0, y + 1)
  }

  function control(mark: string, what: string, sign: string): void {
    const isMode = mark === '?' && 'hl'.includes(sign)
    const isKeyMode = (mark === '>' || mark === '<') && 'um'.includes(sign)
    if (isMode || isKeyMode || (mark === '' && sign === 'm')) return
    if ('JK'.includes(sign)) erase(sign, what)
    else move(sign, what === '' ? 1 : Number(what))
  }

  function breath(sign: string): void {
    isFull = false
    if (sign === '\r') x = 0
    else y++
    line()
  }

  function take(found: RegExpExecArray): void {
    const [, mark = '', what = '', sign, keep, breaks, text] = found
    if (sign !== undefined) control(mark, what, sign)
    else if (keep === '7') saved = { x, y }
    else if (keep === '8') ({ x, y } = saved)
    else if (breaks !== undefined) breath(breaks)
    else for (const { segment } of segmenter.segment(text ?? '')) put(segment)
  }

  /** The cursor stays on its character. */
  function reflow(): void {
    const old = all
    all = []
    let joined: string[] = []
    let cursor = { x, y }
    let offset: number | undefined
    old.forEach(({ cells, goesOn }, index) => {
      if (index === y) offset = joined.length + x
      joined.push(...cells)
      if (goesOn && index < old.length - 1) return
      const first = all.length
      const length = Math.max(joined.length, offset === undefined ? 0 : offset + 1, 1)
      for (let at = 0; at < length; at += width) {
        all.push({ cells: joined.slice(at, at + width), goesOn: at + width < length })
      }
      if (offset !== undefined) cursor = { x: offset % width, y: first + Math.floor(offset / width) }
      offset = undefined
      joined = []
    })
    ;({ x, y } = cursor)
  }

  return {
    write(text) {
      for (let rest = text; rest !== ''; ) {
        const found = token.exec(rest)
        if (!found) throw new Error(`This is not known: ${JSON.stringify(rest.slice(0, 20))}`)
        take(found)
        rest = rest.slice(found[0].length)
      }
    },
    resize(wantedColumns, wantedRows) {
      ;[width, height] = [wantedColumns, wantedRows]
      isFull = false
      if (reflows) reflow()
      else for (const { cells } of all) cells.splice(width)
      x = Math.min(x, width - 1)
    },
    get lines() {
      const texts = all.map(({ cells }) => cells.join('').trimEnd())
      return texts.slice(
        0,
        Math.max(
          y,
          texts.findLastIndex((text) => text !== ''),
        ) + 1,
      )
    },
    get cursor() {
      return { row: y, column: x }
    },
    get wraps() {
      return wraps
    },
  }
}
