import type { LmappError, Part } from 'lmapp-kit'
import type { Candidate } from '../routing/resolve.ts'
import type { AttemptRecord } from '../store/store.ts'
import { type ExecuteOptions, type Progress, toAsked } from './asking.ts'

/** Tells the store and the observer what becomes of one attempt, which begins now. */
export interface AttemptWatch {
  sawToken(): void
  ended(outcome: Exclude<AttemptRecord['outcome'], 'running'>, error?: LmappError): void
}

export function watchAttempt(candidate: Candidate, options: ExecuteOptions, progress: Progress): AttemptWatch {
  const { observe, now, recordAttempt } = options
  const asked = toAsked(candidate)
  const record = { number: progress.attempts, ...asked }
  const startedAt = now()
  let begun = false
  recordAttempt({ ...record, outcome: 'running' })
  observe?.attemptStarted?.(asked)
  return {
    sawToken() {
      if (begun) return
      begun = true
      progress.firstTokenAt ??= now()
      observe?.firstToken?.({ ...asked, ms: now() - startedAt })
    },
    ended(outcome, error) {
      recordAttempt({ ...record, outcome, ...(error && { error: error.toData() }) })
      observe?.attemptEnded?.({ ...asked, outcome, ...(error && { code: error.code }), ms: now() - startedAt })
    },
  }
}

export function isToken({ type }: Part): boolean {
  return type === 'text-delta' || type === 'reasoning-delta' || type === 'tool-call'
}
