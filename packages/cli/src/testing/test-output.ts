import { EventEmitter } from 'node:events'
import { createOutput, type Output, type OutputStream } from '../output/output.ts'
import { createStyle } from '../output/style.ts'

export interface TestOutputOptions {
  isTerminal?: boolean
  colors?: boolean
  dumb?: boolean
  columns?: number
  /** Every write is taken, and more is only wanted after `drain`. */
  slow?: boolean
}

export interface TestOutput extends Output {
  readonly text: string
  /** Resolves when the text matches. */
  until(pattern: RegExp): Promise<void>
  /** As when the reader left or the disk is full. */
  break(code: string): void
  drain(): void
}

/** A stream in memory behind a real `Output`. */
export function createTestOutput(options: TestOutputOptions = {}): TestOutput {
  const events = new EventEmitter()
  let text = ''
  const stream: OutputStream = {
    isTTY: options.isTerminal === true,
    columns: options.columns ?? 80,
    write(chunk, done) {
      text += chunk
      events.emit('text')
      done?.()
      return options.slow !== true
    },
    on: (event: string, listener: (...args: never[]) => void) =>
      events.on(event, listener as (...args: unknown[]) => void),
    once: (event: string, listener: () => void) => events.once(event, listener),
  }
  const output = createOutput(stream, { style: createStyle(options.colors === true), dumb: options.dumb === true })
  return {
    ...output,
    get columns() {
      return output.columns
    },
    get failure() {
      return output.failure
    },
    get text() {
      return text
    },
    async until(pattern) {
      while (!pattern.test(text)) await new Promise((resolve) => events.once('text', resolve))
    },
    break: (code) => void events.emit('error', Object.assign(new Error(code), { code })),
    drain: () => void events.emit('drain'),
  }
}
