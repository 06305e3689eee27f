import type { Signals } from '../../../signals.ts'
import type { Chip } from './text/chips.ts'
import type { Complete } from './text/completion.ts'

/** What the user did instead of, or by, writing a message. */
export type ReadResult =
  /** Never empty: `text` or `chips` has something. `text` has the texts of chips in their places. */
  { type: 'message'; text: string; chips: readonly Chip[] } | { type: 'leave'; exitCode: number }

/** Reads messages from a terminal. What is typed while nobody reads is kept for the next read. */
export interface ChatEditor {
  /** The next message, or that the user leaves: Ctrl-D, Ctrl-C twice, a signal, a terminal that is gone. */
  read(): Promise<ReadResult>
  /** Up and Ctrl-R offer the message from now on. */
  remember(message: string): void
  /** Puts it where the cursor is, in this message or the next. */
  insertChip(chip: Chip): void
  /**
   * The process's own, and Ctrl-C and Escape where the terminal sends them as keys: as SIGINT to the newest
   * listener, while nothing is read. A second Ctrl-C that nobody listens to ends the process as SIGINT would.
   */
  readonly signals: Signals
  /** Gives the terminal to another program, for as long as the work takes. */
  release<Result>(work: () => Promise<Result>): Promise<Result>
  /** Leaves the terminal as it was found. */
  close(): void
}

export interface ChatEditorOptions {
  /** Messages of before, newest first. */
  history: readonly string[]
  complete: Complete
}
