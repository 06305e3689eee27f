import { mkdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LmappError } from 'lmapp-kit'
import type { ProgramConfig } from '../config/config.ts'
import { toPath } from './find-program.ts'
import { createGroupGuard } from './group-guard.ts'
import { toStartError } from './program-error.ts'
import { type RunningProgram, startProgram } from './start-program.ts'

/** Starts programs and knows which of them run. */
export interface Launcher extends AsyncDisposable {
  /** Rejects with a typed error when it cannot be started. The program is ended when `signal` aborts. */
  launch(task: Task, signal: AbortSignal): Promise<RunningProgram>
  /** Ends all of them, also those that are being started. */
  endAll(): Promise<void>
  readonly running: number
}

export interface Task {
  program: Pick<ProgramConfig, 'environment' | 'directory'>
  command: readonly string[]
  /** Absent: stdin is empty. */
  input?: string
  /** Stands before what it says on stderr. */
  name: string
}

export interface LauncherOptions {
  /** In `work` in it those programs work that have no folder of their own. */
  dataDir: string
  environment: Readonly<Record<string, string | undefined>>
  apiKey?: string | undefined
  log(line: string): void
}

/** Starts nothing yet. */
export function createLauncher(options: LauncherOptions): Launcher {
  const guard = createGroupGuard()
  const running = new Set<RunningProgram>()
  const starting = new Set<Promise<RunningProgram>>()

  async function start({ program, command, input, name }: Task): Promise<RunningProgram> {
    const [file = '', ...args] = command
    const directory = await toDirectory(program, options.dataDir)
    const environment = { ...options.environment, ...toEnvironment(program, options.apiKey) }
    const onMessage = (line: string) => options.log(`[${name}] ${line}`)
    try {
      return await startProgram({
        ...{ program: toPath(file), args, directory, environment, guard, onMessage },
        ...(input !== undefined && { input }),
      })
    } catch (error) {
      await assertDirectory(directory)
      throw toStartError(error, command, directory)
    }
  }

  async function launch(task: Task, signal: AbortSignal): Promise<RunningProgram> {
    const promise = start(task)
    starting.add(promise)
    const program = await promise.finally(() => starting.delete(promise))
    running.add(program)
    const end = () => void program.end()
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
    void program.exited.then(() => {
      signal.removeEventListener('abort', end)
      running.delete(program)
    })
    return program
  }

  async function endAll(): Promise<void> {
    const started = await Promise.allSettled(starting)
    const late = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    await Promise.all([...running, ...late].map((program) => program.end()))
  }

  return {
    launch,
    endAll,
    get running() {
      return running.size
    },
    async [Symbol.asyncDispose]() {
      await endAll()
      guard[Symbol.dispose]()
    },
  }
}

/** What is relative is taken from the plugin's folder, in which this process works. */
async function toDirectory({ directory }: Pick<ProgramConfig, 'directory'>, dataDir: string): Promise<string> {
  if (directory !== undefined) return resolve(toPath(directory))
  const own = join(dataDir, 'work')
  await mkdir(own, { recursive: true, mode: 0o700 })
  return own
}

function toEnvironment(
  { environment }: Pick<ProgramConfig, 'environment'>,
  apiKey: string | undefined,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value.replaceAll('{apiKey}', () => apiKey ?? missingKey(name)),
    ]),
  )
}

function missingKey(name: string): never {
  throw new LmappError('unauthorized', `The variable ${name} of the program is the backend's key, and there is none.`, {
    hint: 'Set apiKeyEnv or apiKeyFile of the backend: lmapp config edit',
    details: { variable: name },
  })
}

/** The system says of a missing folder what it says of a missing program. */
async function assertDirectory(directory: string): Promise<void> {
  const isThere = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isThere) return
  throw new LmappError('config-invalid', `The folder ${directory}, in which the program would work, is not there.`, {
    hint: 'Correct "cwd" under backends.<id>.config: lmapp config edit',
    details: { setting: 'cwd', directory },
  })
}
