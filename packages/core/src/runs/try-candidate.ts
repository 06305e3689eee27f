import { setTimeout as delay } from 'node:timers/promises'
import { type ChatRequest, type Finish, LmappError, type Part } from 'lmapp-kit'
import type { Slot } from '../admission/index.ts'
import { retryAfterMs } from '../routing/breaker.ts'
import type { Candidate } from '../routing/resolve.ts'
import { assertSees } from './abilities.ts'
import type { Asking, ExecuteOptions, Progress } from './asking.ts'
import { runAttempt, toLmappError } from './attempt.ts'
import { enterLine } from './enter-line.ts'
import { isToken, watchAttempt } from './watch-attempt.ts'

/** Waits for a slot of the candidate, asks it, and the same once more where the error says that this makes sense. */
export async function tryCandidate(
  candidate: Candidate,
  options: ExecuteOptions,
  progress: Progress,
  asking: Asking = {},
): Promise<Finish | LmappError> {
  using _lease = candidate.target.lease()
  const entered = await enterLine(candidate, options, progress)
  if ('type' in entered || entered instanceof LmappError) {
    candidate.target.breaker.neutral()
    return entered
  }
  using slot = entered
  if (slot.waited) await options.emit({ type: 'status', phase: 'connecting' })
  return await tryWithSlot(candidate, options, progress, { ...asking, slot })
}

async function tryWithSlot(
  candidate: Candidate,
  options: ExecuteOptions,
  progress: Progress,
  asking: Asking & { slot: Slot },
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
  { slot, ...asking }: Asking & { slot: Slot },
): Promise<Finish | LmappError> {
  const watched = watchAttempt(candidate, options, progress)
  try {
    const request = toChatRequest(candidate, options, asking)
    const unsure = await assertSees(candidate, request.messages)
    if (unsure) await options.emit(unsure)
    const finish = await runAttempt({
      target: candidate.target,
      request,
      signal: options.signal,
      offline: options.offline,
      started: slot.started,
      take(part) {
        if (isToken(part)) watched.sawToken()
        return take(part, options, progress)
      },
    })
    watched.ended(finish.reason === 'cancelled' ? 'cancelled' : 'finished')
    return finish
  } catch (cause) {
    const error = toLmappError(cause, candidate.target.id)
    watched.ended('failed', error)
    return error
  }
}

function take(part: Exclude<Part, Finish>, options: ExecuteOptions, progress: Progress): Promise<void> | undefined {
  if (progress.handover && isToken(part)) {
    void options.emit(progress.handover)
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
