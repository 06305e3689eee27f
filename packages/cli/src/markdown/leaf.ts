import type { Span } from './look.ts'

/** One row of a block, without what stands before it. */
export interface LeafRow {
  readonly spans: readonly Span[]
  /** Cells, at least; a tab may take more. */
  readonly width: number
}

export interface LeafRows {
  /** Rows that stay as they are. */
  readonly final: readonly LeafRow[]
  /** Rows that may still change. */
  readonly tail: readonly LeafRow[]
}

/** A block that is being written: its source comes line by line, and each line in any number of pieces. */
export interface Leaf {
  /** Whether a blank row stands before and after it, though none was written. */
  readonly isSetOff: boolean
  /** Nothing but blank room stands beside its rows. */
  readonly isVerbatim: boolean
  /** The first line of it, as long as a table may begin with it. */
  readonly header?: string | undefined
  /** More of the current line. */
  add(text: string): void
  endLine(): void
  /** What became final since the last call, for so many cells; all of it when the block is over. */
  take(width: number, isOver: boolean): LeafRows
}

export const noRows: LeafRows = { final: [], tail: [] }
