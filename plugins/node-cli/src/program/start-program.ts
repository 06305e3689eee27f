import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { GroupGuard } from './group-guard.ts'
import { createMessages, type Messages } from './messages.ts'

/** How a program ended. */
export interface ProgramExit {
  code: number | null
  signal: string | null
  /** The last lines that it wrote to stderr. */
  stderr: string[]
}

/** A program that runs, in a process group of its own that ends with it. */
export interface RunningProgram {
  /** Its stdout, read as fast as it is taken, for one reader. Ends when the program has. */
  output: AsyncIterable<Uint8Array>
  /** Resolves when it has ended and what it said is read. Never rejects. */
  exited: Promise<ProgramExit>
  /** SIGTERM to its group, SIGKILL after a second. Resolves when it has ended. */
  end(): Promise<ProgramExit>
}

export interface StartOptions {
  /** Started without a shell. */
  program: string
  args: readonly string[]
  /** Absent: stdin is empty. */
  input?: string
  directory: string
  environment: Readonly<Record<string, string | undefined>>
  guard: GroupGuard
  /** A line that it wrote to stderr. */
  onMessage(line: string): void
}

const terminateMs = 1000
/** What left the group may hold the pipes open; nobody waits longer for it than this. */
const pipeGraceMs = 500

/** Rejects with the system's error when it cannot be started. */
export async function startProgram(options: StartOptions): Promise<RunningProgram> {
  const child = spawn(options.program, options.args, {
    cwd: options.directory,
    env: options.environment,
    detached: true,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  if (child.pid === undefined) {
    const [error] = await once(child, 'error')
    throw error
  }
  options.guard.watch(child.pid)
  // Node throws away what a child has written that ended before anyone listened.
  const stdout = child.stdout as Readable
  stdout.on('readable', () => {})
  writeInput(child.stdin, options.input)
  const messages = createMessages(options.onMessage)
  const gone = watch(child, options.guard)
  const exited = conclude(child, gone, messages)
  return {
    output: readOutput(stdout, gone),
    exited,
    end: () => endProgram(child, gone, exited),
  }
}

/** A program need not read all of it. */
function writeInput(stdin: Writable | null, input: string | undefined): void {
  stdin?.on('error', () => {})
  stdin?.end(input)
}

/** Resolves when the program itself has ended; its group has then been killed. */
async function watch(child: ChildProcess, guard: GroupGuard): Promise<{ code: number | null; signal: string | null }> {
  const [code, signal] = await once(child, 'exit')
  signalGroup(child, 'SIGKILL')
  if (child.pid !== undefined) guard.forget(child.pid)
  return { code, signal }
}

async function conclude(
  child: ChildProcess,
  gone: Promise<{ code: number | null; signal: string | null }>,
  messages: Messages,
): Promise<ProgramExit> {
  for await (const bytes of readOutput(child.stderr as Readable, gone)) messages.push(bytes)
  messages.end()
  return { ...(await gone), stderr: messages.tail() }
}

/** Whoever still holds the pipe when the program is gone has a moment to say more, and then another one. */
async function* readOutput(stream: Readable, gone: Promise<unknown>): AsyncGenerator<Uint8Array> {
  let isWaiting = true
  let quiet = 0
  let isOver = false
  let timer: NodeJS.Timeout | undefined
  const giveUpWhenQuiet = () => {
    if (isWaiting && quiet++ > 0) stream.destroy()
  }
  stream.once('close', () => clearInterval(timer))
  void gone.then(() => {
    // The pipe itself keeps the process alive while it is read.
    if (!isOver) timer = setInterval(giveUpWhenQuiet, pipeGraceMs).unref()
  })
  try {
    for await (const bytes of stream) {
      isWaiting = false
      quiet = 0
      yield bytes
      isWaiting = true
    }
  } catch {
    // A pipe that breaks has nothing more to say; how the program ended tells the rest.
  } finally {
    isOver = true
    clearInterval(timer)
  }
}

async function endProgram(
  child: ChildProcess,
  gone: Promise<unknown>,
  exited: Promise<ProgramExit>,
): Promise<ProgramExit> {
  if (isRunning(child)) {
    child.stdin?.destroy()
    signalGroup(child, 'SIGTERM')
    const timer = setTimeout(() => isRunning(child) && signalGroup(child, 'SIGKILL'), terminateMs)
    await gone
    clearTimeout(timer)
  }
  // A program that writes much would otherwise wait for a reader, and its group with it.
  child.stdout?.destroy()
  return await exited
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

function signalGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // Nobody of the group is left.
  }
}
