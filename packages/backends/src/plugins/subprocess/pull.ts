import { LmappError, type PullProgress, untilAborted } from 'lmapp-kit'
import { parsePullStep } from './parse-results.ts'
import type { Session } from './session.ts'

export interface PullCall {
  session: Session
  model: string
  signal: AbortSignal | undefined
  /** Between two steps. */
  deadlineMs: number
}

/** One download. A slow reader gets the newest step, not all of them. */
export async function* streamPull({
  session,
  model,
  signal,
  deadlineMs,
}: PullCall): AsyncGenerator<PullProgress, void> {
  let latest: PullProgress | undefined
  let changed = Promise.withResolvers<void>()
  const exchange = session.open('pull_model', { model }, (_method, params) => {
    latest = parsePullStep(params) ?? latest
    changed.resolve()
  })
  const ended = exchange.response.then((result) => ({ result }))
  ended.catch(() => {})
  let deadline: AbortSignal | undefined
  try {
    for (;;) {
      deadline = AbortSignal.timeout(deadlineMs)
      const either = AbortSignal.any(signal ? [signal, deadline] : [deadline])
      const end = await untilAborted(Promise.race([changed.promise, ended]), either)
      changed = Promise.withResolvers()
      if (latest) yield latest
      latest = undefined
      if (end) {
        yield { status: parsePullStep(end.result)?.status ?? 'done', done: true }
        return
      }
    }
  } catch (error) {
    if (signal?.aborted) throw new LmappError('cancelled', 'The download was cancelled.', { cause: error })
    if (error instanceof DOMException)
      throw new LmappError('stalled', 'The download makes no progress.', { cause: error })
    throw await session.explain(error, 'before-first-token')
  } finally {
    exchange.cancel()
    await ended.catch(() => {})
  }
}
