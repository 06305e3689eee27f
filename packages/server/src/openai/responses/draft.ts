import type { LmappError, RunEnd, RunEvent } from 'lmapp-kit'
import type { GoodEnd } from '../../answer/index.ts'
import { addToGroup, startGroup, toOutput } from './output.ts'
import {
  type Ending,
  type ResponseHead,
  type ResponseObject,
  toBadEnding,
  toGoodEnding,
  toResponse,
} from './response.ts'
import { type Step, toStep } from './steps.ts'

/** A response that is being written, and then is. */
export interface Draft {
  readonly key: string
  readonly summary: boolean
  readonly steps: readonly Step[]
  readonly ending: Ending | undefined
  /** What was wrong with it, where something was. */
  readonly error: LmappError | undefined
  /** Calls when it has ended, whichever way and before anybody is told; at once where it has. */
  onEnd(call: () => void): void
  /** Returns the step that it is, if it is one. */
  take(event: RunEvent): Step | undefined
  finish(reason: GoodEnd, end: Pick<RunEnd, 'usage'>): void
  fail(error: LmappError, end: Pick<RunEnd, 'usage'> | undefined): void
  /** As it is now. */
  response(): ResponseObject
  /** As it was told first. */
  beginning(status: 'queued' | 'in_progress'): ResponseObject
  /** All steps from the first, then those to come. Ends with it, or when the reader leaves. */
  follow(signal: AbortSignal): AsyncGenerator<Step>
}

export interface DraftOptions extends ResponseHead {
  key: string
  summary: boolean
  /** Each step is kept, so that the stream can be told again as it was; else what is of a kind becomes one. */
  replay: boolean
}

export function createDraft({ key, summary, replay, ...head }: DraftOptions): Draft {
  const steps: Step[] = []
  const calls: (() => void)[] = []
  /** Somebody waits for what comes next. */
  let awaited: PromiseWithResolvers<void> | undefined
  let ending: Ending | undefined
  let problem: LmappError | undefined

  function add(step: Step): void {
    const last = steps.at(-1)
    const isRepeated = last?.type === step.type && (step.type === 'queued' || step.type === 'working')
    if (isRepeated) return
    const isAdded = !replay && addToGroup(last, step)
    if (!isAdded) steps.push(replay ? step : (startGroup(step) ?? step))
    wake()
  }

  function wake(): void {
    awaited?.resolve()
    awaited = undefined
  }

  function end(found: Ending): void {
    ending = found
    for (const call of calls) call()
    wake()
  }

  function currentStatus() {
    if (ending) return ending.status
    return steps.at(-1)?.type === 'queued' ? 'queued' : 'in_progress'
  }

  function lastItemStatus() {
    if (!ending) return 'in_progress'
    return ending.status === 'completed' ? 'completed' : 'incomplete'
  }

  return {
    key,
    summary,
    steps,
    onEnd(call) {
      if (ending) call()
      else calls.push(call)
    },
    get ending() {
      return ending
    },
    get error() {
      return problem
    },
    take(event) {
      if (event.type === 'start') head.model = event.model
      if (event.type === 'handover') head.model = event.to
      const step = toStep(event)
      if (step) add(step)
      return step
    },
    finish: (reason, { usage }) => end(toGoodEnding(reason, usage)),
    fail(error, { usage } = { usage: {} }) {
      problem = error
      end(toBadEnding(error, usage, head.echo))
    },
    response: () =>
      toResponse(head, toOutput(steps, { key, summary }, lastItemStatus()), { status: currentStatus(), ending }),
    beginning: (status) => toResponse(head, [], { status }),
    async *follow(signal) {
      const leave = () => wake()
      signal.addEventListener('abort', leave)
      try {
        for (let next = 0; !signal.aborted; ) {
          const step = steps[next]
          if (step) {
            next += 1
            yield step
          } else if (ending) return
          else {
            awaited ??= Promise.withResolvers()
            await awaited.promise
          }
        }
      } finally {
        signal.removeEventListener('abort', leave)
      }
    },
  }
}
