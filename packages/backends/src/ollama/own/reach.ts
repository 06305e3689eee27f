import { type CallOptions, type ErrorCode, isLmappError, LmappError, untilAborted } from 'lmapp-kit'
import type { OllamaBackend } from '../ollama-backend.ts'
import type { OwnServer } from './launch.ts'
import type { OwnServerLease } from './own-servers.ts'

export interface ReachOptions {
  /** At the address where Ollama is expected. Owned. */
  attached: OllamaBackend
  /** Of the program. Owned. */
  lease: OwnServerLease
  /** The adapter to one of our own. */
  open(server: OwnServer): OllamaBackend
  /** Whether one may be started, else what the user does. */
  plan(): Promise<{ startable: boolean; hint: string }>
}

/** Which Ollama a call goes to. */
export interface Reach extends AsyncDisposable {
  /** Ours, while it runs. */
  own(): OllamaBackend | undefined
  /** Throws `backend-unreachable`, `backend-start-failed`, `backend-stopped` or `cancelled`. */
  orStart(call: CallOptions): Promise<OllamaBackend>
  stop(): Promise<void>
  succeeded(): void
  /** The same, with the end of the log where it comes from ours. */
  explain(error: unknown, backend: OllamaBackend): unknown
}

export function createReach({ attached, lease, open, plan }: ReachOptions): Reach {
  const { supervisor } = lease
  let opened: { server: OwnServer; backend: OllamaBackend } | undefined
  let stops = 0

  const toBackend = (server: OwnServer) => {
    if (opened?.server === server) return opened.backend
    void opened?.backend[Symbol.asyncDispose]()
    opened = { server, backend: open(server) }
    return opened.backend
  }
  const own = () => {
    const server = supervisor.state === 'running' ? supervisor.current : undefined
    return server && toBackend(server)
  }

  return {
    own,
    async orStart(call) {
      const running = own()
      if (running && (await isStillThere(running, supervisor.current, call))) return running
      const stopsBefore = stops
      try {
        await attached.start(call)
        return attached
      } catch (error) {
        if (!isNobody(error)) throw error
        const { startable, hint } = await plan()
        if (!startable) throw withHint(error, hint)
      }
      if (stops !== stopsBefore) throw new LmappError('backend-stopped', 'The backend "ollama" was stopped.')
      return toBackend(await acquire(lease, call.signal))
    },
    async stop() {
      stops += 1
      await Promise.all([opened?.backend.stop(), supervisor.stop()])
    },
    succeeded: supervisor.succeeded,
    explain: (error, backend) => (opened?.backend === backend ? withLog(error, opened.server.tail()) : error),
    async [Symbol.asyncDispose]() {
      stops += 1
      await opened?.backend[Symbol.asyncDispose]()
      await lease[Symbol.asyncDispose]()
    },
  }
}

/** Milliseconds in which the end of a process is told, with that of all it started. */
const endMs = 2_000

/** A dead one is noticed by its silence before its end is told. */
async function isStillThere(
  backend: OllamaBackend,
  server: OwnServer | undefined,
  call: CallOptions,
): Promise<boolean> {
  try {
    await backend.start(call)
    return true
  } catch (error) {
    if (call.signal?.aborted || !(await endsSoon(server))) throw error
    return false
  }
}

async function endsSoon(server: OwnServer | undefined): Promise<boolean> {
  if (!server) return true
  return untilAborted(server.ended, AbortSignal.timeout(endMs)).then(
    () => true,
    () => false,
  )
}

async function acquire({ supervisor }: OwnServerLease, signal: AbortSignal | undefined): Promise<OwnServer> {
  try {
    return await supervisor.acquire(signal)
  } catch (error) {
    if (!signal?.aborted || error !== signal.reason) throw error
    throw new LmappError('cancelled', 'It was cancelled before Ollama was started.', { cause: error })
  }
}

const failuresOfEngine: readonly ErrorCode[] = ['engine-died', 'engine-failed', 'model-load-failed']

function withLog(error: unknown, stderr: string[]): unknown {
  if (!isLmappError(error) || !failuresOfEngine.includes(error.code)) return error
  return new LmappError(error.code, error.message, {
    hint: 'See its log: lmapp backends logs ollama',
    details: { ...error.details, stderr },
    cause: error,
  })
}

/** Nothing listens there: not what hangs, nor what is somebody else. */
export function isNobody(error: unknown): error is LmappError {
  return isLmappError(error, 'backend-unreachable') && error.details?.reason === 'ECONNREFUSED'
}

export function withHint({ code, message, details, cause }: LmappError, hint: string): LmappError {
  return new LmappError(code, message, { hint, ...(details && { details }), cause })
}
