import { type ChatParams, type Finish, LmappError, type Part } from 'lmapp-kit'
import type { Stage } from './failure.ts'
import { parseFinish, parseParts } from './parse-parts.ts'
import type { Session } from './session.ts'

type StreamedPart = Exclude<Part, Finish>

/** One chat as it arrives. Never holds more parts than it gave credit for. Disposing waits until the plugin has stopped working on it. */
export interface Inbox extends AsyncDisposable {
  /** What arrived since the last time, perhaps nothing yet; undefined when nothing more comes. */
  take(): StreamedPart[] | undefined
  /** Resolves when `take` has news. */
  changed(): Promise<void>
  /** Tells that a part was read, so that another may come. */
  consumed(): void
  /** How it ended, or throws why it broke; when it was cancelled, it ends `cancelled` in any case. */
  finish(): Promise<Finish>
  cancel(): void
}

export const cancelledFinish: Finish = { type: 'finish', reason: 'cancelled', usage: {} }

/** Sends the chat. */
export function openInbox(session: Session, params: ChatParams): Inbox {
  const half = Math.ceil(params.credit / 2)
  let arrived: StreamedPart[] = []
  let seq = 0
  let credit = params.credit
  let spent = 0
  let stage: Stage = 'before-first-token'
  let left = false
  let wasCancelled = false
  let violation: LmappError | undefined
  let outcome: { finish: Finish } | { error: unknown } | undefined
  let waiter: PromiseWithResolvers<void> | undefined

  const exchange = session.open('chat', params, (_method, received) => receive(received))
  const settled = exchange.response.then(parseFinish).then(
    (finish) => end({ finish }),
    (error: unknown) => end({ error }),
  )

  function receive(received: unknown): void {
    if (violation || left) return
    try {
      accept(received)
    } catch (error) {
      if (!(error instanceof LmappError)) throw error
      violation = error
      exchange.cancel()
    }
    wake()
  }

  function accept(received: unknown): void {
    const batch = parseParts(received)
    if (batch.seq !== seq + 1) throw outOfOrder(seq + 1, batch.seq)
    seq = batch.seq
    credit -= batch.count
    if (credit < 0) throw beyondCredit(batch.count, credit + batch.count)
    for (const part of batch.parts) {
      arrived.push(part)
      if (part.type !== 'status' && part.type !== 'warning') stage = 'after-first-token'
    }
    spend(batch.count - batch.parts.length)
  }

  function spend(parts: number): void {
    spent += parts
    if (spent < half || outcome || wasCancelled) return
    session.notify('credit', { id: exchange.id, parts: spent })
    credit += spent
    spent = 0
  }

  function end(result: { finish: Finish } | { error: unknown }): void {
    outcome = result
    wake()
  }

  function wake(): void {
    waiter?.resolve()
    waiter = undefined
  }

  return {
    take() {
      const parts = arrived
      arrived = []
      return parts.length === 0 && (outcome || violation) ? undefined : parts
    },
    changed() {
      waiter ??= Promise.withResolvers()
      return waiter.promise
    },
    consumed: () => spend(1),
    async finish() {
      if (violation) throw toStreamError(violation, stage)
      await settled
      if (outcome && 'finish' in outcome) return outcome.finish
      if (wasCancelled) return cancelledFinish
      throw await session.explain(outcome?.error, stage)
    },
    cancel() {
      wasCancelled = true
      exchange.cancel()
    },
    async [Symbol.asyncDispose]() {
      left = true
      arrived = []
      exchange.cancel()
      await settled
    },
  }
}

function toStreamError(violation: LmappError, stage: Stage): LmappError {
  if (stage === 'before-first-token') return violation
  const { message, details } = violation
  return new LmappError('stream-malformed', message, { ...(details && { details }), cause: violation })
}

function outOfOrder(expected: number, received: number): LmappError {
  return new LmappError('protocol-violation', `The parts are out of order: ${received} came instead of ${expected}.`, {
    details: { path: 'seq', expected, received },
  })
}

function beyondCredit(received: number, credit: number): LmappError {
  return new LmappError('protocol-violation', `${received} parts came where there was credit for ${credit}.`, {
    details: { path: 'parts', received, credit },
  })
}
