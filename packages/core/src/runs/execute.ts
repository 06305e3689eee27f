import { type Finish, type Handover, isLmappError, LmappError, type RunEnd } from 'lmapp-kit'
import type { Candidate } from '../routing/resolve.ts'
import { takeNext } from '../routing/take-next.ts'
import { supports } from './abilities.ts'
import { type ExecuteOptions, type Progress, toReference } from './asking.ts'
import { type Failure, type Outcome, toFailed, toFinished } from './outcome.ts'
import { type Answered, answerStructured, releaseHeld } from './structured-answer.ts'
import { tryCandidate } from './try-candidate.ts'

/** Asks one candidate after the other until one finishes or none is left. Never rejects for what an engine does. */
export async function execute(options: ExecuteOptions): Promise<Outcome> {
  const { run, signal } = options
  const progress: Progress = { startedAt: options.now(), firstTokenAt: undefined, attempts: 0, left: 0 }
  const waiting = options.failover.enabled
    ? [...options.resolution.candidates]
    : options.resolution.candidates.slice(0, 1)
  const failures: Failure[] = []
  const textBefore = run.text.length

  for (let candidate = takeNext(waiting); candidate; candidate = await takeNextAble(waiting, options)) {
    const reference = toReference(candidate)
    progress.left = waiting.length
    const last = failures.at(-1)
    if (last)
      await announce(
        { type: 'handover', from: last.reference, to: reference, reason: last.error.toData() },
        options,
        progress,
      )
    const result = await ask(candidate, options, progress)
    if (!(result instanceof LmappError)) return toOutcome(result, options, progress)
    failures.push({ reference, error: result })
    if (signal.aborted) return toOutcome({ finish: cancelled }, options, progress)
    if (!mayGoOn(result, options, run.text.length > textBefore)) break
  }
  await releaseHeld(options, progress)
  const delivered = run.text.length > textBefore
  return toFailed(failures, { ...toWritten(options), delivered }, toTimings(undefined, options, progress))
}

async function announce(handover: Handover, options: ExecuteOptions, progress: Progress): Promise<void> {
  if (options.run.text === '') await options.emit(handover)
  else progress.handover = { ...handover, from: options.run.model }
}

const cancelled: Finish = { type: 'finish', reason: 'cancelled', usage: {} }

/** After a failure. Once there is text, only one that can go on with it; nobody waits for those behind it. */
async function takeNextAble(waiting: Candidate[], { run, plan }: ExecuteOptions): Promise<Candidate | undefined> {
  const goesOn = run.text !== '' || plan.earlier.text !== ''
  for (let next = takeNext(waiting); next; next = takeNext(waiting)) {
    if (!goesOn || (await canContinue(next))) return next
  }
  return undefined
}

async function ask(candidate: Candidate, options: ExecuteOptions, progress: Progress): Promise<Answered> {
  const { request, answerCheck } = options.plan
  if (request.schema && answerCheck) {
    return answerStructured(candidate, { schema: request.schema, check: answerCheck }, options, progress)
  }
  const result = await tryCandidate(candidate, options, progress)
  return result instanceof LmappError ? result : { finish: result }
}

function mayGoOn(error: LmappError, { run }: ExecuteOptions, delivered: boolean): boolean {
  if (error.code === 'bad-input') return false
  if (!delivered && run.text === '') return true
  return run.toolCalls.length === 0
}

/** Whether it is worth asking: a backend whose model says `unknown` proves it itself before its first token. */
async function canContinue(candidate: Candidate): Promise<boolean> {
  try {
    return (await supports(candidate, 'continue')) !== 'no'
  } catch (error) {
    if (isLmappError(error)) return false
    throw error
  }
}

async function toOutcome(
  { finish, mismatch }: Exclude<Answered, LmappError>,
  options: ExecuteOptions,
  progress: Progress,
): Promise<Outcome> {
  await releaseHeld(options, progress)
  const outcome = toFinished(finish, toWritten(options), toTimings(finish, options, progress))
  return mismatch ? { ...outcome, state: 'incomplete', error: mismatch.toData() } : outcome
}

function toWritten({ run }: ExecuteOptions) {
  return { model: run.model, text: run.text, callsTools: run.toolCalls.length > 0 }
}

function toTimings(finish: Finish | undefined, options: ExecuteOptions, progress: Progress): RunEnd['timings'] {
  return {
    ...finish?.timings,
    ...(progress.firstTokenAt !== undefined && { firstTokenMs: progress.firstTokenAt - progress.startedAt }),
    totalMs: options.now() - progress.startedAt,
  }
}
