import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ChatRequest } from '../../chat-request.ts'
import type { ErrorCode } from '../../errors/error-table.ts'
import { LmappError } from '../../errors/lmapp-error.ts'
import type { Finish, Part, TextDelta, Timings, Usage } from '../../part.ts'
import { untilAborted } from '../../streams/until-aborted.ts'
import { type Clock, waitForAbort } from './clock.ts'
import type { ModelRuntime } from './lifecycle.ts'
import type { FaultKind, MockFault, MockScript } from './mock-script.ts'
import { type AnswerPlan, planAnswer } from './plan-answer.ts'
import { toProbability } from './probability.ts'

export interface ChatSetting {
  script: MockScript
  runtime: ModelRuntime
  clock: Clock
  /** The fault that this chat meets. */
  fault: MockFault | undefined
  /** Aborts when the reader cancels or the mock stops. */
  signal: AbortSignal
  nextCallId: () => string
}

/** What a chat has used so far; kept outside, so that a chat that is cut short can still say it. */
export interface Tally {
  usage: Usage
  timings: Timings
}

/** Tokens between two turns of the event loop when there is no pace. */
const burst = 512

/** Throws what the signal aborts with. */
export async function* chat(request: ChatRequest, setting: ChatSetting, tally: Tally): AsyncGenerator<Part> {
  const { script, runtime, signal, fault } = setting
  signal.throwIfAborted()
  throwAtOnce(fault)
  const plan = planAnswer(script, request)
  const { contextLength } = script
  tally.usage = { inputTokens: plan.inputTokens, outputTokens: 0, ...(contextLength && { contextLength }) }
  const place = runtime.slots.enter()
  try {
    if (place.waiting) yield { type: 'status', phase: 'queued' }
    await untilAborted(place.turn, signal)
    if (fault?.kind === 'hang') await waitForAbort(signal)
    yield* plan.warnings
    yield* load(setting, tally)
    yield* readPrompt(plan, setting, tally)
    yield* generate(plan, setting, tally)
    yield toFinish(plan.reason, tally)
  } finally {
    place.leave()
  }
}

export function toFinish(reason: Finish['reason'], tally: Tally): Finish {
  return { type: 'finish', reason, usage: tally.usage, timings: tally.timings }
}

function throwAtOnce(fault: MockFault | undefined): void {
  if (fault?.kind === 'refuse') throw toFailure(fault, 'backend-refused', 'refused the request')
  if (fault?.kind === 'fail-at-once') throw toFailure(fault, 'engine-failed', 'answered with an error')
}

async function* load({ runtime, clock, signal }: ChatSetting, tally: Tally): AsyncGenerator<Part> {
  const begun = clock.now()
  for await (const progress of runtime.loader.load(signal)) yield { type: 'status', phase: 'loading', progress }
  tally.timings.loadMs = clock.now() - begun
}

async function* readPrompt(plan: AnswerPlan, setting: ChatSetting, tally: Tally): AsyncGenerator<Part> {
  const { script, clock, signal } = setting
  const begun = clock.now()
  for (let quarter = 1; script.promptMs && quarter <= 4; quarter += 1) {
    await clock.wait(script.promptMs / 4, signal)
    const done = Math.floor((plan.inputTokens * quarter) / 4)
    yield { type: 'status', phase: 'prompt', progress: { done, total: plan.inputTokens, unit: 'tokens' } }
  }
  tally.timings.promptMs = clock.now() - begun
}

async function* generate(plan: AnswerPlan, setting: ChatSetting, tally: Tally): AsyncGenerator<Part> {
  const { clock, signal, fault } = setting
  const begun = clock.now()
  const pace = createPace(setting)
  const failAfter = fault === undefined || !isMidStream(fault.kind) ? -1 : (fault.afterTokens ?? 3)
  const total = plan.reasoning.length + plan.text.length
  for (let index = 0; index < total; index += 1) {
    if (index === failAfter) break
    if (pace.due(index)) await pace.wait(index)
    signal.throwIfAborted()
    tally.usage.outputTokens = index + 1
    if (index < plan.reasoning.length) {
      tally.usage.reasoningTokens = index + 1
      yield { type: 'reasoning-delta', text: plan.reasoning[index] ?? '' }
    } else {
      yield toTextDelta(plan.text[index - plan.reasoning.length] ?? '', plan)
    }
  }
  if (fault && failAfter >= 0) await failMidStream(fault, signal)
  signal.throwIfAborted()
  if (plan.toolCall) yield { type: 'tool-call', id: setting.nextCallId(), ...plan.toolCall }
  tally.timings.generationMs = clock.now() - begun
}

function toTextDelta(text: string, { alternatives }: AnswerPlan): TextDelta {
  if (alternatives === undefined) return { type: 'text-delta', text }
  return { type: 'text-delta', text, logprobs: [toProbability(text, alternatives)] }
}

/** Keeps to the scripted rate, also where one token is shorter than a timer can wait. */
function createPace({ script, clock, signal }: ChatSetting) {
  const tokenMs = script.paceMs ?? (script.tokensPerSecond ? 1000 / script.tokensPerSecond : 0)
  const begun = clock.now()
  return {
    due: (index: number) => tokenMs > 0 || index % burst === burst - 1,
    async wait(index: number): Promise<void> {
      const ahead = begun + (index + 1) * tokenMs - clock.now()
      if (ahead >= 1) await clock.wait(ahead, signal)
      else if (index % burst === burst - 1) await nextTurn()
    },
  }
}

function isMidStream(kind: FaultKind): boolean {
  return kind !== 'hang' && kind !== 'refuse' && kind !== 'fail-at-once'
}

async function failMidStream(fault: MockFault, signal: AbortSignal): Promise<never> {
  switch (fault.kind) {
    case 'stall':
      return await waitForAbort(signal)
    case 'crash-process':
      process.kill(process.pid, 'SIGKILL')
      return await waitForAbort(signal)
    case 'malformed':
      throw toFailure(fault, 'stream-malformed', 'sent a line that is no message')
    case 'error':
      throw toFailure(fault, fault.afterTokens === 0 ? 'engine-failed' : 'engine-died', 'reported an error')
    case 'clean-end':
      throw toFailure(fault, 'stream-incomplete', 'ended the stream without its marker')
    default:
      throw toFailure(fault, 'stream-incomplete', 'broke the connection')
  }
}

function toFailure(fault: MockFault, code: ErrorCode, what: string): LmappError {
  return new LmappError(fault.code ?? code, `The mock's engine ${what}, as scripted.`, {
    details: { fault: fault.kind },
  })
}
