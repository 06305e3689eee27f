import type { ApiMessage, CreateRun, LmappClient } from 'lmapp-client'
import { isLmappError, LmappError, type NumberedRunEvent, type RunEnd, type Warning } from 'lmapp-kit'
import type { Session } from './session.ts'
import type { Stop } from './stop.ts'

/** How far a run was followed. */
export interface RunProgress {
  id: string
  seq: number
  /** The whole text of the message as far as it arrived. */
  text: string
  conversation?: string
  message?: string
  /** `backend/model` that answers now. */
  model?: string
}

export interface RejoinOptions {
  session: Session
  stop: Stop
  progress: RunProgress
  /** What a continued run takes over from the first one. */
  request: Pick<CreateRun, 'terminal' | 'failover' | 'offline'>
}

/**
 * Goes on after the connection broke: with the same run where the service still has it, else with a new run that
 * continues the stored answer, if that begins with what was shown. Throws `run-crashed` where neither is possible.
 */
export async function* rejoinRun(options: RejoinOptions): AsyncGenerator<NumberedRunEvent> {
  const { session, stop, progress } = options
  const client = await orCrashed(progress, session.reconnect())
  try {
    stop.aimAt(Promise.resolve(progress.id))
    yield* client.joinRun(progress.id, { from: progress.seq })
    return
  } catch (error) {
    if (!isLmappError(error, 'not-found')) throw error
  }
  const stored = await findStored(client, progress)
  const missing = stored.text.slice(progress.text.length)
  if (missing !== '') yield { seq: progress.seq, event: { type: 'text-delta', text: missing } }
  if (stored.state === 'crashed') yield* continueRun(client, options)
  else yield { seq: progress.seq, event: toEnd(stored, progress) }
}

async function findStored(client: LmappClient, progress: RunProgress): Promise<ApiMessage> {
  if (progress.message === undefined || progress.conversation === undefined) throw crashed(progress)
  const conversation = await orCrashed(progress, client.getConversation(progress.message))
  const stored = conversation.messages.at(-1)
  if (stored?.id !== progress.message || !stored.text.startsWith(progress.text)) throw crashed(progress)
  return stored
}

const replaced: Warning = {
  type: 'warning',
  code: 'other',
  message: 'The service ended in the middle of the answer; a new one goes on with it.',
}

async function* continueRun(
  client: LmappClient,
  { stop, progress, request }: RejoinOptions,
): AsyncGenerator<NumberedRunEvent> {
  const { terminal, failover, offline } = request
  const created = client.createRun({
    kind: 'continue',
    ...(terminal !== undefined && { terminal }),
    ...(failover !== undefined && { failover }),
    ...(offline !== undefined && { offline }),
    ...(progress.conversation && { conversation: progress.conversation }),
    ...(progress.message && { message: progress.message }),
  })
  stop.aimAt(created.then(({ id }) => id))
  const run = await orCrashed(progress, created)
  progress.id = run.id
  progress.seq = 0
  yield { seq: 0, event: replaced }
  for await (const numbered of run.events) {
    if (numbered.event.type === 'start') progress.seq = numbered.seq
    else yield numbered
  }
}

/** The end of an answer, from what is stored of it. */
export function toEnd({ state, error, usage, timings }: ApiMessage, progress: RunProgress): RunEnd {
  if (state === 'running') throw crashed(progress)
  return {
    type: 'end',
    state,
    usage: usage ?? {},
    timings: { totalMs: 0, ...timings },
    ...(error && { error }),
  }
}

async function orCrashed<Result>(progress: RunProgress, work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    throw crashed(progress, cause)
  }
}

export function crashed({ message, conversation }: RunProgress, cause?: unknown): LmappError {
  const kept = message !== undefined && conversation !== undefined
  return new LmappError('run-crashed', 'The service ended while it answered.', {
    hint: kept ? `What was stored is kept. Go on with it: lmapp continue ${message}` : 'Ask again: nothing was saved',
    ...(cause !== undefined && { cause }),
  })
}
