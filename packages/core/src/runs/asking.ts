import type { Handover, Message, RunEvent } from 'lmapp-kit'
import type { Candidate, Resolution } from '../routing/resolve.ts'
import type { AttemptRecord } from '../store/store.ts'
import type { HeldAnswer } from './held-answer.ts'
import type { LiveRun } from './live-run.ts'
import type { Asked, RunObserver } from './observer.ts'
import type { RunPlan } from './plan.ts'

export interface ExecuteOptions {
  run: LiveRun
  plan: RunPlan
  resolution: Resolution
  signal: AbortSignal
  failover: { enabled: boolean; retries: number }
  offline: boolean
  /** Hands an event to the readers and to the journal. A promise holds the engine back. */
  emit: (event: RunEvent) => Promise<void> | undefined
  recordAttempt: (attempt: AttemptRecord) => void
  now: () => number
  /** Among whom slots are shared out by turns. */
  client: string
  observe?: RunObserver
}

/** What one run has behind it, over all its candidates. */
export interface Progress {
  /** In mid-answer it is said with the first word of the next one, who may yet find that it cannot go on. */
  handover?: Handover | undefined
  startedAt: number
  firstTokenAt: number | undefined
  attempts: number
  /** Candidates that nobody has asked yet. */
  left: number
  /** Under a schema: what has arrived and has not left the service. */
  held?: HeldAnswer
}

/** What is asked of a candidate besides the plan. */
export interface Asking {
  /** Absent: as the plan has it. */
  messages?: Message[]
  schema?: Record<string, unknown>
}

export function toAsked({ target, model }: Candidate): Asked {
  return { backend: target.id, model }
}

export function toReference({ target, model }: Candidate): string {
  return `${target.id}/${model}`
}
