import type { Style } from './style.ts'

/** The part of a writable stream that is used here; `process.stdout` is one. */
export interface OutputStream {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string, done?: (error?: Error | null) => void): boolean
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown
  once(event: 'drain', listener: () => void): unknown
}

/** stdout or stderr, judged by itself. */
export interface Output {
  readonly isTerminal: boolean
  /** Whether a line can be overwritten: a terminal that is not dumb. */
  readonly canRedraw: boolean
  /** Of the terminal, as it is now; infinite where the stream is none. */
  readonly columns: number
  readonly style: Style
  /** Resolves when more may be written. Never rejects: once the stream failed, nothing is written any more. */
  write(text: string): Promise<void>
  /** Resolves when everything is handed over, or the stream failed. */
  flush(): Promise<void>
  /** Why nothing can be written any more; `EPIPE`: the reader has left. */
  readonly failure: NodeJS.ErrnoException | undefined
  /** Called once, when the stream fails. */
  onFailure(listener: () => void): void
  /** For what needs the stream itself, such as a line editor. */
  readonly stream: OutputStream
}

const ready = Promise.resolve()

/** It had enough: nothing is said to it any more, on no stream. */
export function readerLeft({ failure }: Output): boolean {
  return failure?.code === 'EPIPE'
}

export function createOutput(stream: OutputStream, options: { style: Style; dumb: boolean }): Output {
  const isTerminal = stream.isTTY === true
  const listeners: (() => void)[] = []
  let failure: NodeJS.ErrnoException | undefined
  stream.on('error', (error) => {
    if (failure) return
    failure = error
    for (const listener of listeners) listener()
  })
  const failed = new Promise<void>((resolve) => listeners.push(resolve))

  return {
    stream,
    isTerminal,
    canRedraw: isTerminal && !options.dumb,
    style: options.style,
    get columns() {
      // Terminals that do not know their width say 0.
      return isTerminal ? stream.columns || 80 : Number.POSITIVE_INFINITY
    },
    get failure() {
      return failure
    },
    onFailure(listener) {
      if (failure) listener()
      else listeners.push(listener)
    },
    write(text) {
      if (failure || text === '' || stream.write(text)) return ready
      return Promise.race([failed, new Promise<void>((resolve) => stream.once('drain', resolve))])
    },
    flush() {
      if (failure) return ready
      return Promise.race([failed, new Promise<void>((resolve) => stream.write('', () => resolve()))])
    },
  }
}
