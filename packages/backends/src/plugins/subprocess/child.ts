import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { LmappError } from 'lmapp-kit'
import type { EngineLog } from './engine-log.ts'

/** How a child ended. */
export interface ExitReport {
  exitCode: number | null
  signal: string | null
  /** The last lines that it wrote to stderr. */
  stderr: string[]
}

/** A process of ours, in a group of its own. Whichever way it ends, its group ends with it. */
export interface Child {
  stdin: Writable
  stdout: Readable
  /** Resolves when it has ended and its output is read. Never rejects. */
  exited: Promise<ExitReport>
  /** The exit ladder: end of stdin, SIGTERM, SIGKILL. */
  end(waits: { stdinMs: number; terminateMs: number }): Promise<ExitReport>
  /** At once, with its group. */
  kill(): void
}

export interface SpawnOptions {
  /** Program and arguments; `node` is the Node that runs this. */
  command: readonly string[]
  /** Where relative programs and scripts are, and its working directory. */
  directory: string
  environment: Record<string, string>
  execPath: string
  execArgv: readonly string[]
  log: EngineLog
}

/** Grandchildren that left the group may hold the pipes open; nobody waits longer for them than this. */
const pipeGraceMs = 500
const ownGroup = process.platform !== 'win32'

/** Throws `backend-start-failed` when the program cannot be started. */
export async function spawnChild(options: SpawnOptions): Promise<Child> {
  const { program, args } = toProgram(options)
  const child = spawn(program, args, {
    cwd: options.directory,
    env: options.environment,
    detached: ownGroup,
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const { stdin, stdout, stderr } = child
  stdin.on('error', () => {})
  const logged = logOutput(stderr, options.log)
  const exited = watch(child, logged, options.log)
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw cannotStart(program, options.directory, cause)
  }
  return { stdin, stdout, exited, kill: () => killChild(child), end: (waits) => endChild(child, exited, waits) }
}

function toProgram({ command, directory, execPath, execArgv }: SpawnOptions): { program: string; args: string[] } {
  const [program = '', ...args] = command
  if (program === 'node') return { program: execPath, args: [...execArgv, ...args] }
  return { program: /[/\\]/.test(program) ? resolve(directory, program) : program, args }
}

function cannotStart(program: string, directory: string, cause: unknown): LmappError {
  return new LmappError('backend-start-failed', `The program "${program}" cannot be started.`, {
    hint: `Install it, or correct "command" in the manifest in ${directory}`,
    details: { program, directory },
    cause,
  })
}

async function logOutput(stderr: Readable, log: EngineLog): Promise<void> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of stderr) await log.write(decoder.decode(chunk, { stream: true }))
  } catch {
    return
  }
}

async function watch(child: ChildProcess, logged: Promise<void>, log: EngineLog): Promise<ExitReport> {
  const { promise, resolve } = Promise.withResolvers<{ exitCode: number | null; signal: string | null }>()
  child.once('error', () => resolve({ exitCode: null, signal: null }))
  child.once('exit', (exitCode, signal) => {
    killGroup(child)
    const grace = setTimeout(() => {
      child.stdout?.destroy()
      child.stderr?.destroy()
    }, pipeGraceMs)
    child.once('close', () => {
      clearTimeout(grace)
      resolve({ exitCode, signal })
    })
  })
  const exit = await promise
  await logged
  return { ...exit, stderr: log.tail() }
}

async function endChild(
  child: ChildProcess,
  exited: Promise<ExitReport>,
  { stdinMs, terminateMs }: { stdinMs: number; terminateMs: number },
): Promise<ExitReport> {
  child.stdin?.end()
  if (await endsWithin(exited, stdinMs)) return await exited
  child.kill('SIGTERM')
  if (await endsWithin(exited, terminateMs)) return await exited
  killChild(child)
  return await exited
}

async function endsWithin(exited: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController()
  const timeout = delay(milliseconds, false, { signal: timer.signal }).catch(() => false)
  const ended = await Promise.race([exited.then(() => true), timeout])
  timer.abort()
  return ended
}

/** Only while it runs: afterwards the number may be another's. */
function killChild(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) killGroup(child)
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    if (ownGroup) process.kill(-child.pid, 'SIGKILL')
    else child.kill('SIGKILL')
  } catch {
    // Nobody of the group is left.
  }
}
