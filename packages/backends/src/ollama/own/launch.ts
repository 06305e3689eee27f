import { LmappError, untilAborted } from 'lmapp-kit'
import { type Child, createEngineLog, type EngineLog, type ProcessRecords, spawnChild } from '../../processes/index.ts'
import { createLoadLog, type LoadLog } from '../load-log.ts'

/** One life of an Ollama of our own. */
export interface OwnServer {
  /** Where it listens. */
  url: string
  loadLog: LoadLog
  /** The last lines of its log. */
  tail(): string[]
  /** It unloads its models first, and is killed when that takes too long. Idempotent. */
  close(): Promise<void>
  /** Resolves when it is gone, with its runners; `stopped` when that was `close`. Never rejects. */
  readonly ended: Promise<{ kind: 'stopped' | 'died'; message: string }>
}

export interface LaunchOptions {
  program: string
  /** As `toOllamaEnvironment` gives it. */
  environment: Record<string, string>
  directory: string
  logFile: string
  records: ProcessRecords
  /** Milliseconds until it says where it listens. */
  startMs: number
}

/** As its own app waits for it. */
const terminateMs = 5_000

/** Throws `backend-start-failed` with the end of its log, or the reason of `signal`; the process is then gone. */
export async function launchOllama(options: LaunchOptions, signal: AbortSignal): Promise<OwnServer> {
  const log = createLog(options.logFile)
  const child = await spawnChild({
    command: [options.program, 'serve'],
    directory: options.directory,
    environment: options.environment,
    execPath: process.execPath,
    execArgv: [],
    log,
    records: options.records,
    cannotStartHint: 'Start it yourself to see why: ollama serve',
  })
  // One line for each request of ours.
  child.stdout.resume()
  const limit = AbortSignal.timeout(options.startMs)
  try {
    const started = Promise.race([log.address, failWhenItEnds(child)])
    const address = await untilAborted(started, AbortSignal.any([signal, limit]))
    return toServer(child, log, `http://${address}`)
  } catch (error) {
    child.kill()
    await child.exited
    if (error !== limit.reason) throw error
    throw startFailed(`did not say where it listens within ${options.startMs / 1000} s`, log.tail())
  }
}

interface WatchedLog extends EngineLog {
  loadLog: LoadLog
  address: Promise<string>
}

function createLog(file: string): WatchedLog {
  const log = createEngineLog({ file })
  const loadLog = createLoadLog()
  const { promise: address, resolve } = Promise.withResolvers<string>()
  return {
    loadLog,
    address,
    tail: log.tail,
    write(text) {
      loadLog.read(text)
      if (loadLog.address !== undefined) resolve(loadLog.address)
      return log.write(text)
    },
  }
}

async function failWhenItEnds(child: Child): Promise<never> {
  const { exitCode, signal, stderr } = await child.exited
  throw startFailed(`ended with ${signal ?? `code ${exitCode}`} before it was ready`, stderr)
}

function startFailed(how: string, stderr: string[]): LmappError {
  const last = stderr.findLast((line) => line.trim() !== '')
  return new LmappError('backend-start-failed', `Ollama ${how}${last === undefined ? '.' : `: ${last}`}`, {
    details: { stderr },
  })
}

function toServer(child: Child, { loadLog, tail }: WatchedLog, url: string): OwnServer {
  let closing: Promise<unknown> | undefined
  return {
    url,
    loadLog,
    tail,
    async close() {
      closing ??= child.end({ stdinMs: 0, terminateMs })
      await closing
    },
    ended: child.exited.then(({ exitCode, signal }) => ({
      kind: closing ? 'stopped' : 'died',
      message: `Ollama ended with ${signal ?? `code ${exitCode}`}.`,
    })),
  }
}
