import type { Container } from './containers.ts'
import type { Leaf, LeafRow } from './leaf.ts'
import { paintSpans, type Span } from './look.ts'
import { createPrefixes, type Prefix } from './prefix.ts'
import { splitRow } from './split-row.ts'
import type { Theme } from './theme.ts'

/** A row as it is written to a terminal: text with the codes of its looks, without a line break. */
export interface Row {
  readonly text: string
  /** Cells, as we count them; more than the terminal has where it is to break the row by itself. */
  readonly width: number
}

/** Puts the rows of blocks below each other: what stands before them, and blank rows between them. */
export interface Rows {
  columns: number
  open(leaf: Leaf, containers: readonly Container[], options: { isApart: boolean }): void
  readonly leaf: Leaf | undefined
  close(): void
  /** There was a blank line. */
  blank(): void
  /** The open block goes on as another one. */
  replace(leaf: Leaf): void
  /** What became final since the last call, and the rows that are not. */
  take(): { final: Row[]; tail: Row[] }
}

const emptyRow: LeafRow = { spans: [], width: 0 }

export function createRows(theme: Theme, firstColumns: number): Rows {
  const prefixes = createPrefixes(theme)
  let columns = firstColumns
  let leaf: Leaf | undefined
  let containers: readonly Container[] = []
  let containersAbove: readonly Container[] = []
  let final: Row[] = []
  let hasRows = false
  let wantsBlank = false

  const paint = (spans: readonly Span[], width: number): Row => ({ text: paintSpans(spans, theme.colors), width })
  const prefixOf = () => prefixes.of(containers, { columns, isVerbatim: leaf?.isVerbatim === true })

  /** A quote goes on over the blank row between two blocks of it. */
  function blankRow(): Row {
    const shared = containers.filter((each, index) => each === containersAbove[index])
    const { rest } = prefixes.of(shared, { columns, isVerbatim: false })
    return paint(rest, 0)
  }

  function settle(row: LeafRow): void {
    const { first, width } = prefixOf()
    if (wantsBlank) final.push(blankRow())
    final.push(paint([...first, ...row.spans], width + row.width))
    hasRows = true
    wantsBlank = false
    containersAbove = containers
    prefixes.settle(containers)
  }

  /** Rows that are drawn again: each must be one row of the terminal. */
  function preview(rows: readonly LeafRow[]): Row[] {
    const { first, rest, width } = prefixOf()
    const shown = rows.flatMap((row, index) => {
      const spans = [...(index === 0 ? first : rest), ...row.spans]
      if (width + row.width <= columns) return [paint(spans, width + row.width)]
      return splitRow(spans, columns).map((part) => paint(part.spans, part.width))
    })
    return wantsBlank && shown.length > 0 ? [blankRow(), ...shown] : shown
  }

  function takeLeaf(isOver: boolean): Row[] {
    if (!leaf) return []
    const prefix: Prefix = prefixOf()
    const rows = leaf.take(Math.max(1, columns - prefix.width), isOver)
    const isEmpty = rows.final.length + rows.tail.length === 0
    // Code does not begin beside the marker of its item, and an item without a word is one all the same.
    const needsRow = prefix.hasMarker && (leaf.isVerbatim ? !isEmpty : isOver && isEmpty)
    if (needsRow && (isOver || rows.final.length > 0)) settle(emptyRow)
    for (const row of rows.final) settle(row)
    return preview(needsRow && prefixOf().hasMarker ? [emptyRow, ...rows.tail] : rows.tail)
  }

  return {
    get columns() {
      return columns
    },
    set columns(wanted) {
      columns = wanted
    },
    get leaf() {
      return leaf
    },
    open(next, inside, { isApart }) {
      leaf = next
      containers = inside
      wantsBlank ||= hasRows && (isApart || next.isSetOff)
    },
    close() {
      takeLeaf(true)
      wantsBlank ||= leaf?.isSetOff === true
      leaf = undefined
    },
    blank() {
      wantsBlank ||= hasRows
    },
    replace(next) {
      leaf = next
      wantsBlank ||= hasRows && next.isSetOff
    },
    take() {
      const tail = takeLeaf(false)
      const taken = final
      final = []
      return { final: taken, tail }
    },
  }
}
