import {
  type ChatRequest,
  type Finish,
  type Handover,
  isLmappError,
  LmappError,
  type Part,
  type RunEnd,
  type RunEvent,
  type Usage,
} from 'lmapp-kit'
import type { Candidate, Resolution } from '../routing/resolve.ts'
import type { AttemptRecord } from '../store/store.ts'
import { runAttempt, toLmappError } from './attempt.ts'
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

/** How it went, before it is stored. */
export type Outcome = Omit<RunEnd, 'type'>

interface Failure {
  reference: string
  error: LmappError
}

interface Progress {
  /** In mid-answer it is said with the first word of the next one, who may yet find that it cannot go on. */
  handover?: Handover | undefined
  startedAt: number
  firstTokenAt: number | undefined
  attempts: number
}

/** Asks one candidate after the other until one finishes or none is left. Never rejects for what an engine does. */
export async function execute(options: ExecuteOptions): Promise<Outcome> {
  const { run, plan, signal } = options
  const progress: Progress = { startedAt: options.now(), firstTokenAt: undefined, attempts: 0 }
  const waiting = options.failover.enabled
    ? [...options.resolution.candidates]
    : options.resolution.candidates.slice(0, 1)
  const failures: Failure[] = []
  const textBefore = run.text.length

  for (let candidate = takeNext(waiting); candidate; candidate = takeNext(waiting)) {
    const reference = toReference(candidate)
    const last = failures.at(-1)
    if (last)
      await announce(
        { type: 'handover', from: last.reference, to: reference, reason: last.error.toData() },
        options,
        progress,
      )
    const result = await tryCandidate(candidate, options, progress)
    if (result instanceof LmappError) failures.push({ reference, error: result })
    else return finished(result, options, progress)
    if (signal.aborted) return finished(cancelled, options, progress)
    if (!mayGoOn(result, options, run.text.length > textBefore)) break
    await dropThoseThatCannotContinue(waiting, run, plan)
  }
  return failed(failures, options, progress, run.text.length > textBefore)
}

async function announce(handover: Handover, options: ExecuteOptions, progress: Progress): Promise<void> {
  if (options.run.text === '') await options.emit(handover)
  else progress.handover = { ...handover, from: options.run.model }
}

const cancelled: Finish = { type: 'finish', reason: 'cancelled', usage: {} }

/** The next whose breaker admits it; where none does, the last remaining one is asked all the same. */
function takeNext(waiting: Candidate[]): Candidate | undefined {
  const index = waiting.findIndex(({ target }) => target.breaker.admits())
  if (index >= 0) return waiting.splice(index, 1)[0]
  const [first] = waiting.splice(0)
  return first
}

async function tryCandidate(
  candidate: Candidate,
  options: ExecuteOptions,
  progress: Progress,
): Promise<Finish | LmappError> {
  const { breaker } = candidate.target
  for (let tries = 0; ; tries++) {
    progress.attempts += 1
    const textBefore = options.run.text.length
    const result = await tryOnce(candidate, options, progress)
    if (!(result instanceof LmappError)) {
      if (result.reason === 'cancelled') breaker.neutral()
      else breaker.succeeded()
      return result
    }
    const silent = options.run.text.length === textBefore
    const again = silent && tries < options.failover.retries && retriesAtOnce(result) && !options.signal.aborted
    if (again) continue
    breaker.failed(result)
    return result
  }
}

function retriesAtOnce(error: LmappError): boolean {
  return error.entry.retryable && error.entry.exit !== 12
}

async function tryOnce(
  candidate: Candidate,
  options: ExecuteOptions,
  progress: Progress,
): Promise<Finish | LmappError> {
  const record = { number: progress.attempts, backend: candidate.target.id, model: candidate.model }
  options.recordAttempt({ ...record, outcome: 'running' })
  try {
    const finish = await runAttempt({
      target: candidate.target,
      request: toChatRequest(candidate, options),
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
  return options.emit(part)
}

function toChatRequest({ model }: Candidate, { run, plan }: ExecuteOptions): ChatRequest {
  const base: ChatRequest = { ...plan.request, model, messages: plan.messages }
  if (run.text === '') return base
  const partial = { role: 'assistant' as const, content: [{ type: 'text' as const, text: run.text }] }
  return { ...base, messages: [...plan.messages, partial], continue: true }
}

function mayGoOn(error: LmappError, options: ExecuteOptions, delivered: boolean): boolean {
  if (error.code === 'bad-input') return false
  if (!delivered && options.run.text === '') return true
  return options.run.toolCalls.length === 0 && options.plan.request.schema === undefined
}

async function dropThoseThatCannotContinue(waiting: Candidate[], run: LiveRun, plan: RunPlan): Promise<void> {
  if (run.text === '' && plan.earlier.text === '') return
  const able = await Promise.all(waiting.map(canContinue))
  const kept = waiting.filter((_, index) => able[index])
  waiting.splice(0, waiting.length, ...kept)
}

/** Whether it is worth asking: a backend whose model says `unknown` proves it itself before its first token. */
async function canContinue({ target, model }: Candidate): Promise<boolean> {
  try {
    const { capabilities } = await target.backend.getInfo()
    if ((capabilities.continue ?? 'no') === 'no') return false
    const found = (await target.backend.listModels()).find(({ id }) => id === model)
    return found?.capabilities?.continue !== 'no'
  } catch (error) {
    if (isLmappError(error)) return false
    throw error
  }
}

function finished(finish: Finish, options: ExecuteOptions, progress: Progress): Outcome {
  const common = { reason: finish.reason, usage: finish.usage, timings: toTimings(finish, options, progress) }
  switch (finish.reason) {
    case 'stop':
    case 'tool-calls':
      if (options.run.text.trim() !== '' || options.run.toolCalls.length > 0) return { state: 'complete', ...common }
      return { state: 'failed', ...common, error: empty(options.run.model).toData() }
    case 'length':
      return { state: 'length', ...common }
    case 'cancelled':
      return { state: 'stopped', ...common }
    case 'content-filter':
    case 'other':
      return { state: 'incomplete', ...common, error: withheld(finish.reason, options.run.model).toData() }
    default:
      return finish.reason satisfies never
  }
}

function empty(model: string): LmappError {
  return new LmappError('answer-empty', `${model} ended its answer without a word.`)
}

function withheld(reason: 'content-filter' | 'other', model: string): LmappError {
  if (reason === 'content-filter')
    return new LmappError('content-filtered', `${model} withheld the rest of the answer.`)
  return new LmappError('stream-incomplete', `${model} ended the answer early and did not say why.`)
}

function failed(failures: Failure[], options: ExecuteOptions, progress: Progress, delivered: boolean): Outcome {
  const common = { usage: {} as Usage, timings: toTimings(undefined, options, progress) }
  const [first] = failures
  if (!first) {
    const none = new LmappError('no-backend', 'No backend is left that could go on.')
    return { state: 'failed', ...common, error: none.toData() }
  }
  if (delivered) return { state: 'incomplete', ...common, error: toMidAnswer(first.error).toData() }
  const state = options.run.text === '' ? 'failed' : 'incomplete'
  return { state, ...common, error: summarise(first, failures).toData() }
}

const endsAnswers = new Set([7, 8, 11, 130])

/** A failure that came after text is that of an incomplete answer, whatever its cause is called. */
function toMidAnswer(error: LmappError): LmappError {
  if (endsAnswers.has(error.entry.exit)) return error
  return new LmappError('stream-incomplete', error.message, {
    details: { ...error.details, code: error.code },
    cause: error,
  })
}

function summarise(first: Failure, failures: Failure[]): LmappError {
  if (failures.every(({ error }) => error.code === first.error.code) && !first.error.entry.trips) return first.error
  if (failures.length === 1) return first.error
  const lines = failures.map(({ reference, error }) => `${reference}: ${error.message}`)
  return new LmappError('candidates-failed', `All ${failures.length} candidates failed. ${lines.join(' ')}`, {
    details: { failures: failures.map(({ reference, error }) => ({ reference, ...error.toData() })) },
  })
}

function toTimings(finish: Finish | undefined, options: ExecuteOptions, progress: Progress): RunEnd['timings'] {
  return {
    ...finish?.timings,
    ...(progress.firstTokenAt !== undefined && { firstTokenMs: progress.firstTokenAt - progress.startedAt }),
    totalMs: options.now() - progress.startedAt,
  }
}

export function toReference({ target, model }: Candidate): string {
  return `${target.id}/${model}`
}
