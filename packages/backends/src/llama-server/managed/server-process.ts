import { setTimeout as pause } from 'node:timers/promises'
import { isLmappError, LmappError } from 'lmapp-kit'
import { createHttpClient } from '../../http/index.ts'
import type { EngineEnd, LaunchOptions } from '../../model-processes/index.ts'
import { type Child, type EngineLog, type ExitReport, type SpawnOptions, spawnChild } from '../../processes/index.ts'
import { readServerLog, type ServerLog, toLoadingStatus } from './server-log.ts'

export interface ServerProcessOptions extends Omit<SpawnOptions, 'log'> {
  /** Of the engine, for people. */
  engine: string
  model: string
  /** Where it was told to listen. Undefined: where its log says. */
  socketPath?: string
  /** The log of the backend, which its processes share. */
  log: EngineLog
  /** Milliseconds for one question whether it is ready. */
  connectMs: number
  /** Called when the process has ended, before anyone learns of it. */
  cleanUp?(): Promise<void>
}

/** A server of ours whose model is loaded. */
export interface ServerProcess {
  /** With a socket it only says what requests look like. */
  url: string
  close(): Promise<void>
  /** With the exit and the last lines of the log. Never rejects. */
  readonly ended: Promise<EngineEnd>
}

/** Milliseconds: a model in memory is nothing that would have to be put in order. */
const terminateMs = 3_000
/** Between two questions whether it is ready, and between two words to who waits. */
const probeMs = 100
const tellMs = 500

/**
 * Starts a server and waits until its model is loaded, however long that takes. When it ends before, throws
 * `model-load-failed`, or `backend-start-failed` where it never began to load, with the last lines of its log; and the
 * reason of `signal`. The process is then gone.
 */
export async function startServer(options: ServerProcessOptions, launch: LaunchOptions): Promise<ServerProcess> {
  const { engine, model, log } = options
  const { signal } = launch
  signal.throwIfAborted()
  const watched = readServerLog(throttled(launch))
  const write = (text: string) => {
    watched.write(text)
    return log.write(text)
  }
  const child = await spawnChild({ ...options, log: { write, tail: watched.tail } })
  child.stdin.end()
  const reading = readOutput(child, write)
  let closing = false
  const ended = child.exited.then(async (report): Promise<EngineEnd> => {
    await reading
    await options.cleanUp?.()
    const kind = closing ? 'stopped' : 'died'
    const message = closing ? `${model} was unloaded.` : describeExit(engine, model, report, watched)
    return { kind, message, details: toDetails(model, report, watched) }
  })
  const close = async () => {
    closing = true
    await child.end({ stdinMs: 0, terminateMs })
    await ended
  }
  try {
    const url = await Promise.race([untilReady(options, watched, signal, child), failing(ended, watched)])
    return { url, close, ended }
  } catch (error) {
    closing = true
    child.kill()
    await ended
    throw error
  }
}

/** Rejects when the process ends. */
async function failing(ended: Promise<EngineEnd>, watched: ServerLog): Promise<never> {
  const { message, details } = await ended
  const code = watched.loading ? 'model-load-failed' : 'backend-start-failed'
  throw new LmappError(code, message, { ...(details && { details }) })
}

/** Never, when the process ended before. */
async function untilReady(
  options: ServerProcessOptions,
  watched: ServerLog,
  signal: AbortSignal,
  child: Child,
): Promise<string> {
  let over = false
  void child.exited.then(() => {
    over = true
  })
  while (!over) {
    const url = options.socketPath === undefined ? watched.address : 'http://localhost'
    if (url !== undefined && (await isReady(url, options, signal))) return url
    await pause(probeMs, undefined, { signal })
  }
  return await new Promise<never>(() => {})
}

async function isReady(url: string, options: ServerProcessOptions, signal: AbortSignal): Promise<boolean> {
  using client = createHttpClient({ url, ...options })
  try {
    const response = await client.request({ method: 'GET', path: '/health', silenceMs: options.connectMs, signal })
    await response.text({ maxBytes: 65_536 })
    return response.status === 200
  } catch (error) {
    signal.throwIfAborted()
    if (isLmappError(error)) return false
    throw error
  }
}

async function readOutput(child: Child, write: (text: string) => Promise<void>): Promise<void> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of child.stdout) await write(decoder.decode(chunk, { stream: true }))
  } catch {
    // It was closed with the process.
  }
}

/** Any output is a sign of life, but nobody needs to hear of every line. */
function throttled({ onStatus }: LaunchOptions): (percent: number | undefined) => void {
  let said: number | undefined
  let at = 0
  return (percent) => {
    const now = performance.now()
    if (percent === said && now - at < tellMs) return
    said = percent
    at = now
    onStatus(toLoadingStatus(percent))
  }
}

function describeExit(engine: string, model: string, { exitCode, signal }: ExitReport, watched: ServerLog): string {
  const how = signal === null ? `exit code ${exitCode}` : `signal ${signal}`
  const lastWords = watched.tail().at(-1)?.trim()
  return `${engine} with ${model} ended (${how})${lastWords === undefined ? '' : `: ${lastWords}`}`
}

function toDetails(model: string, { exitCode, signal }: ExitReport, watched: ServerLog): Record<string, unknown> {
  return { model, exitCode, signal, stderr: watched.tail() }
}
