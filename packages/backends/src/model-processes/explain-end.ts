import { setTimeout as pause } from 'node:timers/promises'
import { isLmappError, LmappError } from 'lmapp-kit'
import type { Held } from '../processes/index.ts'

/** How a process ended, as far as an error tells it. */
export interface EngineEnd {
  /** `stopped` when we ended it. */
  kind: string
  message: string
  /** Exit code, signal, the last lines of its log. */
  details?: Record<string, unknown>
}

export interface Ending {
  /** Of the backend, for hints. */
  id: string
  lease: {
    engine: Omit<Held, 'ended'> & { readonly ended: Promise<EngineEnd> }
    endUnlessShared(): Promise<boolean>
  }
  /** Whether its first token had come. */
  answered: boolean
  signal: AbortSignal | undefined
}

/** A connection breaks a moment before the end of its process is known. */
const endGraceMs = 500

/**
 * A connection that broke because the process ended is told by how that ended; other errors get hints that fit. A process
 * that runs and cannot be reached is ended, so that the next request has one that can.
 */
export async function explainEnd(error: unknown, { id, lease, answered, signal }: Ending): Promise<unknown> {
  if (!isLmappError(error) || signal?.aborted) return error
  const end = isBreak(error)
    ? await Promise.race([lease.engine.ended, pause(endGraceMs, undefined, { ref: false })])
    : undefined
  if (!end && isLmappError(error, 'backend-unreachable') && (await lease.endUnlessShared())) {
    return new LmappError('engine-failed', `A process of "${id}" did not answer any more, and was ended.`, {
      hint: seeLog(id),
      cause: error,
    })
  }
  if (!end) return withOwnHint(error, id)
  if (end.kind === 'stopped') return new LmappError('backend-stopped', end.message, { cause: error })
  return new LmappError(answered ? 'engine-died' : 'engine-failed', end.message, {
    ...(!answered && { hint: seeLog(id) }),
    ...(end.details && { details: end.details }),
    cause: error,
  })
}

/** A process that did not start has said why in the log of its backend. */
export async function withLogOf<T>(id: string, starting: Promise<T>): Promise<T> {
  try {
    return await starting
  } catch (error) {
    const isOfProcess = isLmappError(error) && error.details?.exitCode !== undefined
    throw isOfProcess ? withHint(error, seeLog(id)) : error
  }
}

function isBreak({ code }: LmappError): boolean {
  return ['engine-died', 'engine-failed', 'backend-unreachable', 'stream-incomplete'].includes(code)
}

/** Those of an engine that somebody else started lead nowhere here. */
function withOwnHint(error: LmappError, id: string): LmappError {
  if (error.code === 'context-overflow') return withHint(error, undefined)
  return error.code === 'engine-failed' ? withHint(error, seeLog(id)) : error
}

function withHint({ code, message, details, cause }: LmappError, hint: string | undefined): LmappError {
  return new LmappError(code, message, { ...(hint && { hint }), ...(details && { details }), cause })
}

function seeLog(id: string): string {
  return `See its log: lmapp backends logs ${id}`
}
