import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:os'
import { resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { LmappError } from 'lmapp-kit'
import type { EngineLog } from './engine-log.ts'
import { findProgram } from './find-program.ts'
import { holdLifeline, toGuarded, toSignalNumber, toWindowsGuard } from './guard.ts'
import { killByNonce, nonceVariable } from './own-processes.ts'
import type { ProcessRecords } from './process-records.ts'

/** How a child ended. */
export interface ExitReport {
  exitCode: number | null
  signal: string | null
  /** The last lines that it wrote to stderr. */
  stderr: string[]
}

/**
 * A process of ours, in a group of its own. Whichever way it ends, its group ends with it, and whatever it started; and
 * whichever way we end, `kill -9` included, so do they.
 */
export interface Child {
  /** Of the process that leads the group. */
  pid: number
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
  /** Full paths of what bare program names stand for, before `PATH` is asked: `python` of a virtual environment. */
  programs?: Readonly<Record<string, string>>
  log: EngineLog
  /** Where it is written down while it runs. */
  records?: ProcessRecords
  /** What a user does when the program cannot be started. */
  cannotStartHint?: string
}

/** Grandchildren that left the group may hold the pipes open; nobody waits longer for them than this. */
const pipeGraceMs = 500

/** Throws `backend-start-failed` when the program cannot be started. */
export async function spawnChild(options: SpawnOptions): Promise<Child> {
  const { program, args } = await toProgram(options)
  const guarded = toGuarded(program, args, process.platform)
  const nonce = randomUUID()
  const child = spawn(guarded.program, guarded.args, {
    cwd: options.directory,
    env: { ...options.environment, [nonceVariable]: nonce },
    detached: guarded.detached,
    windowsHide: true,
    stdio: guarded.stdio,
  })
  const stdin = child.stdin as Writable
  stdin.on('error', () => {})
  holdLifeline(child)
  const logged = logOutput(child.stderr as Readable, options.log)
  const recorded = Promise.withResolvers<void>()
  const exited = watch(child, { logged, recorded: recorded.promise, nonce, options })
  try {
    await once(child, 'spawn')
  } catch (cause) {
    recorded.resolve()
    throw cannotStart(program, options, cause)
  }
  const pid = child.pid ?? 0
  if (process.platform === 'win32') guardOnWindows(child, pid)
  // Not waited for: Node throws away what a child has written that ended before anyone listened.
  recorded.resolve(options.records?.add({ pid, nonce, program }))
  return {
    pid,
    stdin,
    stdout: child.stdout as Readable,
    exited,
    kill: () => killChild(child),
    end: (waits) => endChild(child, exited, waits),
  }
}

async function toProgram(options: SpawnOptions): Promise<{ program: string; args: string[] }> {
  const { command, directory, environment, execPath, execArgv, programs = {} } = options
  const [program = '', ...args] = command
  if (program === 'node') return { program: execPath, args: [...execArgv, ...args] }
  const own = Object.hasOwn(programs, program) ? programs[program] : undefined
  const named = own ?? (/[/\\]/.test(program) ? resolve(directory, program) : program)
  const found = await findProgram(named, { environment })
  if (found === undefined) throw cannotStart(named, options)
  return { program: found, args }
}

function cannotStart(program: string, { directory, cannotStartHint }: SpawnOptions, cause?: unknown): LmappError {
  return new LmappError('backend-start-failed', `The program "${program}" cannot be started.`, {
    hint: cannotStartHint ?? `Install it, or correct "command" in the manifest in ${directory}`,
    details: { program, directory },
    cause,
  })
}

/** Ends, and the job object with it, when the child does or we do. */
function guardOnWindows(child: ChildProcess, pid: number): void {
  const { program, args } = toWindowsGuard(pid)
  const guard = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'], windowsHide: true })
  guard.on('error', () => {})
  guard.unref()
  child.once('exit', () => guard.stdin?.end())
}

async function logOutput(stderr: Readable, log: EngineLog): Promise<void> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of stderr) await log.write(decoder.decode(chunk, { stream: true }))
  } catch {
    return
  }
}

interface Watching {
  logged: Promise<void>
  /** Its record is written: one that ends at once must not leave it behind. */
  recorded: Promise<void>
  nonce: string
  options: SpawnOptions
}

async function watch(child: ChildProcess, { logged, recorded, nonce, options }: Watching): Promise<ExitReport> {
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
      resolve(toExit(exitCode, signal))
    })
  })
  const exit = await promise
  await logged
  if (child.pid !== undefined) await killByNonce(nonce)
  await recorded
  await options.records?.remove(nonce)
  return { ...exit, stderr: options.log.tail() }
}

function toExit(exitCode: number | null, signal: string | null): { exitCode: number | null; signal: string | null } {
  const number = process.platform === 'win32' ? undefined : toSignalNumber(exitCode)
  const [name] = Object.entries(constants.signals).find(([, value]) => value === number) ?? []
  return name === undefined ? { exitCode, signal } : { exitCode: null, signal: name }
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
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody of the group is left.
  }
}
