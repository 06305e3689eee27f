import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const command = ['--conditions=lmapp-source', join(root, 'packages/cli/src/main.ts')]

/** The real model that the tests use; `scripts/install-engines.sh model` puts it there. */
export const testModel = join(
  process.env.LMAPP_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmapp-test'),
  'models/SmolLM2-135M-Instruct.Q4_1.gguf',
)

export interface Result {
  /** Exit code; null when a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  /** Bytes on stdin; without it stdin is /dev/null. */
  stdin?: string | Uint8Array
  env?: Record<string, string>
  /** Default: the temporary folder of the system. */
  cwd?: string
}

/** A running command. */
export interface Running extends AsyncDisposable {
  readonly process: ChildProcessWithoutNullStreams
  /** Resolves when stdout holds the text. Rejects when the command ends before. */
  untilStdout(text: string | RegExp): Promise<string>
  untilStderr(text: string | RegExp): Promise<string>
  readonly ended: Promise<Result>
}

/** A user with an empty home: own configuration, history and service. Disposing ends the service. */
export interface Home extends AsyncDisposable {
  /** `LMAPP_HOME`. */
  readonly dir: string
  readonly env: Record<string, string>
  configure(config: object): Promise<void>
  /** Runs the command to its end. */
  lmapp(args: string[], options?: RunOptions): Promise<Result>
  start(args: string[], options?: RunOptions): Running
  /** Pid of the service, or undefined. */
  servicePid(): Promise<number | undefined>
}

/** Nothing is found by itself in it: no Ollama of this machine, and no network. */
export const bare = {
  backends: {
    ollama: { type: 'ollama', enabled: false },
    'llama-server': { type: 'llama-server', enabled: false },
    'lm-studio': { type: 'lm-studio', enabled: false },
    embedded: { type: 'embedded', enabled: false },
  },
}

/** A backend that answers by script; `models` as in the mock's documentation. */
export function withMock(models: Record<string, object>, more: object = {}): object {
  return { ...bare, ...more, backends: { ...bare.backends, box: { type: 'mock', models } } }
}

export async function createHome(config: object = bare): Promise<Home> {
  const parent = await mkdtemp(join(tmpdir(), 'lmapp-home-'))
  const dir = join(parent, 'lmapp')
  const runtime = join(parent, 'run')
  for (const folder of [dir, runtime]) await mkdir(folder, { mode: 0o700 })
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    HOME: parent,
    LMAPP_HOME: dir,
    LMAPP_OFFLINE: '1',
    LANG: 'C.UTF-8',
    // A runtime folder of its own: no other test's socket is near.
    XDG_RUNTIME_DIR: runtime,
    ...pick('NODE_V8_COVERAGE', 'LMAPP_TEST_CACHE', 'TMPDIR'),
  }
  const start = (args: string[], options: RunOptions = {}) => startCommand(args, { ...env, ...options.env }, options)
  const home: Home = {
    dir,
    env,
    configure: (next) => writeFile(join(dir, 'config.json'), JSON.stringify(next, null, 2)),
    lmapp: (args, options) => start(args, options).ended,
    start,
    async servicePid() {
      const { stdout } = await start(['service', 'status', '--json']).ended
      const status = JSON.parse(stdout)
      return status.running ? status.pid : undefined
    },
    async [Symbol.asyncDispose]() {
      const pid = await home.servicePid()
      if (pid !== undefined) {
        await start(['service', 'stop']).ended
        await untilGone(pid)
      }
      await rm(parent, { recursive: true, force: true })
    },
  }
  await home.configure(config)
  return home
}

function pick(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

function startCommand(args: string[], env: Record<string, string>, { stdin, cwd = tmpdir() }: RunOptions): Running {
  const child = spawn(process.execPath, [...command, ...args], { env, cwd })
  const texts = { stdout: '', stderr: '' }
  const watchers = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
      for (const watch of watchers) watch()
    })
  }
  // A command that ends early no longer reads.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin ?? '')
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...texts }))
  const until = (name: 'stdout' | 'stderr', wanted: string | RegExp) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const watch = () => {
      const found = typeof wanted === 'string' ? texts[name].includes(wanted) : wanted.test(texts[name])
      if (found) resolve(texts[name])
    }
    watchers.add(watch)
    watch()
    ended.then(({ code, signal }) => {
      reject(new Error(`Ended (${code ?? signal}) without ${wanted} on ${name}:\n${texts.stdout}\n${texts.stderr}`))
    })
    return promise.finally(() => watchers.delete(watch))
  }
  return {
    process: child,
    untilStdout: (text) => until('stdout', text),
    untilStderr: (text) => until('stderr', text),
    ended,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}

/** Resolves when no process has this id any more. */
export async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await glance()
}

/** A zombie counts as gone: its parent is another process of the test machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return !existsSync(`/proc/${pid}/stat`) || !isZombie(pid)
}

function isZombie(pid: number): boolean {
  try {
    const stat = process.getBuiltinModule('node:fs').readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return true
  }
}

/** Resolves with what `look` found as soon as it finds something. */
export async function until<Found>(look: () => Promise<Found | undefined> | Found | undefined): Promise<Found> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await glance()
  }
}

/** Between two looks at something outside of this process, which tells nobody when it changes. */
function glance(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5))
}

/** The events of `--json`, a line each. */
export function toEvents(stdout: string): Record<string, unknown>[] {
  return stdout
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

/** Puts the real test model where the embedded backend finds it. */
export async function installTestModel(home: Home): Promise<void> {
  const folder = join(home.dir, 'data/models')
  await mkdir(folder, { recursive: true })
  await symlink(testModel, join(folder, 'smollm2-135m.gguf'))
}

export async function readStored(home: Home, id: string): Promise<Record<string, never>> {
  const { stdout } = await home.lmapp(['history', 'show', id, '--json'])
  return JSON.parse(stdout)
}

export async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8')
}
