import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export interface TerminalOptions {
  environment: NodeJS.ProcessEnv
  columns?: number
  rows?: number
  argv: readonly string[]
  /** Another program than `lmapp`, with its arguments before `argv`. */
  program?: readonly string[]
}

/** `lmapp` on a real terminal. */
export interface Terminal extends AsyncDisposable {
  /** All that was shown so far. */
  readonly shown: string
  type(text: string): void
  /** As when the window gets another size. */
  resize(columns: number, rows: number): void
  /** Resolves when what was shown since the last call of it matches; returns that. */
  until(pattern: RegExp): Promise<string>
  readonly exited: Promise<number>
  readonly process: ChildProcess
}

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const python = fileURLToPath(new URL('./terminal.py', import.meta.url))

/** `lmapp` from its sources. */
export const lmapp: readonly string[] = [process.execPath, '--conditions=lmapp-source', main]

export function openTerminal({ environment, columns = 80, rows = 24, ...run }: TerminalOptions): Terminal {
  const argv = [...(run.program ?? lmapp), ...run.argv]
  const child = spawn('python3', [python, JSON.stringify({ argv, rows, columns })], {
    env: { TERM: 'xterm-256color', ...environment },
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  }) as ChildProcessByStdio<Writable, Readable, null>
  const sizes = child.stdio[3] as unknown as Writable
  const exited = once(child, 'close').then(([code]) => Number(code))
  let shown = ''
  let seen = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
  })
  return {
    get shown() {
      return shown
    },
    type: (text) => child.stdin.write(text),
    resize: (wide, high) => sizes.write(`${high} ${wide}\n`),
    async until(pattern) {
      for (;;) {
        const fresh = shown.slice(seen)
        const found = pattern.exec(fresh)
        if (found) {
          seen += found.index + found[0].length
          return fresh.slice(0, found.index + found[0].length)
        }
        const ended = await Promise.race([once(child.stdout, 'data'), exited])
        if (typeof ended === 'number') throw new Error(`It ended with ${ended} before ${pattern}: ${fresh}`)
      }
    },
    exited,
    process: child,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
