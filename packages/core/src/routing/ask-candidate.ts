import { isLmappError, LmappError } from 'lmapp-kit'
import { withReferences } from '../models/with-references.ts'
import type { Candidate } from './resolve.ts'

export interface AskCandidateOptions<T> {
  /** Asks the backend, which is started and stays open meanwhile. */
  ask: () => Promise<T>
  offline: boolean
  signal: AbortSignal
}

/**
 * Asks a candidate for something else than a chat: fetches what its backend needs, starts it, asks. What goes wrong is
 * the result, under the names by which a user knows the models. Whether it tells of the backend's health its caller knows.
 */
export async function askCandidate<T>(
  { target, model }: Candidate,
  { ask, offline, signal }: AskCandidateOptions<T>,
): Promise<T | LmappError> {
  using _lease = target.lease()
  try {
    for await (const _status of target.type.prepare?.(target.definition, target.context, { signal, offline }) ?? []) {
      signal.throwIfAborted()
    }
    await target.backend.start({ signal })
    return await ask()
  } catch (cause) {
    return withReferences(toError(cause, signal, target.id), target, model)
  }
}

function toError(cause: unknown, signal: AbortSignal, backend: string): LmappError {
  if (isLmappError(cause)) return cause
  if (signal.aborted) return new LmappError('cancelled', 'It was cancelled.', { cause })
  return new LmappError('engine-failed', `"${backend}" failed: ${String(cause)}`, { cause })
}
