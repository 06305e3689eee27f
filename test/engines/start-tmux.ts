import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Home, until } from '../support/home.ts'

/** A tmux server of one's own with one window, in which `lmapp` runs. Disposing ends both. */
export interface Tmux extends AsyncDisposable {
  /** Runs a command of tmux and resolves with what it prints. */
  run(...args: string[]): Promise<string>
  type(text: string): Promise<void>
  /** By their names in tmux: `Enter`, `S-Enter`, `C-j`. */
  press(...keys: string[]): Promise<void>
  /** As from the clipboard of the terminal. */
  paste(text: string): Promise<void>
  resize(columns: number): Promise<void>
  /** The rows with something on them, those that were scrolled away too. */
  read(): Promise<string[]>
  /** Resolves with the rows as soon as they match, joined by line breaks. */
  see(pattern: RegExp): Promise<string>
}

export interface TmuxOptions {
  home: Home
  columns: number
  rows?: number
  args: readonly string[]
  /** Of the test: when it is over, nothing is waited for any more. */
  signal?: AbortSignal
}

const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const execute = promisify(execFile)

export async function startTmux({ home, columns, rows = 24, args, signal }: TmuxOptions): Promise<Tmux> {
  const socket = join(home.dir, 'tmux.sock')
  const settings = join(home.dir, 'tmux.conf')
  await writeFile(
    settings,
    'set -g extended-keys on\nset -g status off\nset -g history-limit 5000\nset -g exit-empty off\nset -g remain-on-exit on\nset -g default-terminal tmux-256color\n',
  )
  const environment = { ...home.env, TERM: 'xterm-256color', NO_COLOR: '' }
  const run = async (...command: string[]) =>
    (await execute('tmux', ['-S', socket, '-f', settings, ...command], { env: environment })).stdout
  const lmapp = [process.execPath, '--conditions=lmapp-source', main, ...args]
  await run('new-session', '-d', '-x', `${columns}`, '-y', `${rows}`, ...lmapp)

  async function read(): Promise<string[]> {
    const text = await run('capture-pane', '-p', '-S', '-')
    return text.trimEnd().split('\n')
  }

  return {
    run,
    read,
    async type(text) {
      await run('send-keys', '-l', text)
    },
    async press(...keys) {
      await run('send-keys', ...keys)
    },
    async paste(text) {
      const file = join(home.dir, 'pasted')
      await writeFile(file, text)
      await run('load-buffer', file)
      await run('paste-buffer', '-p')
    },
    async resize(wanted) {
      await run('resize-window', '-x', `${wanted}`, '-y', `${rows}`)
    },
    see: (pattern) =>
      until(async () => {
        signal?.throwIfAborted()
        const text = (await read()).join('\n')
        return pattern.test(text) ? text : undefined
      }),
    async [Symbol.asyncDispose]() {
      await run('kill-server').catch(() => {})
    },
  }
}
