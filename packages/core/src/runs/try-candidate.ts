import { setTimeout as delay } from 'node:timers/promises'
import {
  type ChatRequest,
  type Finish,
  type Handover,
  LmappError,
  type Message,
  type Part,
  type RunEvent,
} from 'lmapp-kit'
import { retryAfterMs } from '../routing/breaker.ts'
import type { Candidate, Resolution } from '../routing/resolve.ts'
import type { AttemptRecord } from '../store/store.ts'
import { assertSees } from './abilities.ts'
import { runAttempt, toLmappError } from './attempt.ts'
import type { HeldAnswer } from './held-answer.ts'
import type { LiveRun } from './live-run.ts'
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

/** Asks one candidate, and the same once more where the error says that this makes sense. */
export async function tryCandidate(
  candidate: Candidate,
  options: ExecuteOptions,
  progress: Progress,
  asking: Asking = {},
): Promise<Finish | LmappError> {
  const { breaker } = candidate.target
  for (let tries = 0; ; tries++) {
    progress.attempts += 1
    progress.held?.clear()
    const textBefore = options.run.text.length
    const result = await tryOnce(candidate, options, progress, asking)
    if (!(result instanceof LmappError)) {
      if (result.reason === 'cancelled') breaker.neutral()
      else breaker.succeeded()
      return result
    }
    const silent = options.run.text.length === textBefore
    const mayAgain = silent && tries < options.failover.retries && !options.signal.aborted
    if (mayAgain && retriesAtOnce(result)) continue
    if (mayAgain && progress.left === 0 && (await waitedFor(candidate, result, options))) continue
    breaker.failed(result)
    return result
  }
}

/** Milliseconds that a person waits for an engine that asks for patience, where nobody else could answer. */
const longestPatienceMs = 60_000

/** False where the engine did not say how long, where that is too long, and where the run was cancelled meanwhile. */
async function waitedFor({ target }: Candidate, error: LmappError, options: ExecuteOptions): Promise<boolean> {
  const milliseconds = retryAfterMs(error)
  if (milliseconds === undefined || milliseconds > longestPatienceMs) return false
  const seconds = Math.ceil(milliseconds / 1000)
  await options.emit({ type: 'status', phase: 'queued', message: `${target.id} asks to wait ${seconds} s` })
  return delay(milliseconds, true, { signal: options.signal }).catch(() => false)
}

function retriesAtOnce(error: LmappError): boolean {
  return error.entry.retryable && error.entry.exit !== 12
}

async function tryOnce(
  candidate: Candidate,
  options: ExecuteOptions,
  progress: Progress,
  asking: Asking,
): Promise<Finish | LmappError> {
  const record = { number: progress.attempts, backend: candidate.target.id, model: candidate.model }
  options.recordAttempt({ ...record, outcome: 'running' })
  try {
    const request = toChatRequest(candidate, options, asking)
    const unsure = await assertSees(candidate, request.messages)
    if (unsure) await options.emit(unsure)
    const finish = await runAttempt({
      target: candidate.target,
      request,
      signal: options.signal,
      offline: options.offline,
      take: (part) => take(part, options, progress),
    })
    options.recordAttempt({ ...record, outcome: finish.reason === 'cancelled' ? 'cancelled' : 'finished' })
    return finish
  } catch (cause) {
    const error = toLmappError(cause, candidate.target.id)
    options.recordAttempt({ ...record, outcome: 'failed', error: error.toData() })
    return error
  }
}

function take(part: Exclude<Part, Finish>, options: ExecuteOptions, progress: Progress): Promise<void> | undefined {
  if (part.type === 'text-delta' || part.type === 'reasoning-delta' || part.type === 'tool-call') {
    progress.firstTokenAt ??= options.now()
    if (progress.handover) void options.emit(progress.handover)
    progress.handover = undefined
  }
  if (part.type !== 'text-delta' || !progress.held) return options.emit(part)
  const status = progress.held.add(part.text)
  return status && options.emit(status)
}

function toChatRequest({ model }: Candidate, { run, plan }: ExecuteOptions, asking: Asking): ChatRequest {
  const { schema: _wanted, ...request } = plan.request
  const base: ChatRequest = { ...request, model, messages: plan.messages, ...asking }
  if (run.text === '') return base
  const partial = { role: 'assistant' as const, content: [{ type: 'text' as const, text: run.text }] }
  return { ...base, messages: [...base.messages, partial], continue: true }
}

export function toReference({ target, model }: Candidate): string {
  return `${target.id}/${model}`
}
