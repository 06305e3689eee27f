import type { Signals, StopSignal } from '../../signals.ts'

/** What came instead of, or as, a line. */
export type ReadResult =
  | { type: 'line'; text: string }
  /** Ctrl-C; `hadText`: the line was not empty, and is thrown away. */
  | { type: 'interrupt'; hadText: boolean }
  /** Ctrl-D on an empty line, or the terminal is gone. */
  | { type: 'end' }
  | { type: 'signal'; signal: StopSignal }

/** Reads messages from a terminal. What is typed while nobody reads is kept for the next read. */
export interface LineEditor {
  read(prompt: string): Promise<ReadResult>
  /** The message is offered by Up from now on. */
  remember(message: string): void
  /** The process's own, and Ctrl-C where the terminal sends it as a key. */
  readonly signals: Signals
  close(): void
}

export interface LineEditorOptions {
  /** Messages of before, newest first. */
  history: readonly string[]
  /** Words that begin like this line. */
  complete(line: string): string[]
}
