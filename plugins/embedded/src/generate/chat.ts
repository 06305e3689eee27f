import { type ChatRequest, type Finish, LmappError, type Part, type Timings, type Usage, type Warning } from 'lmapp-kit'
import type { LoadedModel } from '../engine/loaded-model.ts'
import type { ModelHold, ModelHost } from '../engine/model-host.ts'
import type { ModelFile } from '../models/describe-model.ts'
import { createJsonGrammar } from './json-grammar.ts'
import { loadWithProgress } from './load-with-progress.ts'
import { type PreparedPrompt, preparePrompt } from './prepare-prompt.ts'
import { readPrompt } from './read-prompt.ts'
import { settingWarnings, unsupportedSetting } from './sampling.ts'
import { writeAnswer } from './write-answer.ts'

export interface ChatInputs {
  host: ModelHost
  file: ModelFile
  request: ChatRequest
  /** Context of a chat that names none, in tokens. */
  contextLength?: number
  signal: AbortSignal
  tally: Tally
}

/** What a chat has used so far; true at any moment, also when it is broken off. */
export interface Tally {
  usage: Usage
  timings: Timings
  /** Whether a part of the answer has left. */
  answered: boolean
}

/** One chat from its turn in the queue to its end. An abort of `signal` rejects, or ends it with `cancelled`. */
export async function* runChat(inputs: ChatInputs): AsyncGenerator<Part, void, void> {
  const { host, file, request, signal } = inputs
  const slots = host.slots(file.id)
  yield* settingWarnings(request)
  if (slots.full) yield { type: 'status', phase: 'queued' }
  const leave = await slots.take(signal)
  let hold: ModelHold | undefined
  try {
    hold = yield* loadWithProgress(host, file, { signal, contextLength: askedContext(inputs) })
    if (hold.loadMs !== undefined) inputs.tally.timings.loadMs = Math.round(hold.loadMs)
    yield* answer(inputs, hold.loaded)
  } finally {
    hold?.release()
    leave()
  }
}

async function* answer(inputs: ChatInputs, loaded: LoadedModel): AsyncGenerator<Part, void, void> {
  const { request, signal, tally } = inputs
  const grammar = request.schema && (await createJsonGrammar(loaded, request.schema))
  const prompt = await preparePrompt(loaded, request, signal)
  tally.usage.inputTokens = prompt.tokens.length
  yield* [...prompt.warnings, ...(grammar?.warnings ?? [])]
  const context = planContext(inputs, loaded, prompt)
  yield* context.warnings
  const lease = await loaded.sequences.lease({ tokens: prompt.tokens, ...context, signal })
  const room = Math.min(context.limit, lease.contextSize)
  if (lease.contextSize < context.wanted) yield shortContext(lease.contextSize, context.wanted)
  // A sequence grows with the conversation, up to what was asked for or trained, unless the memory ends it before.
  tally.usage.contextLength = lease.contextSize < context.wanted ? lease.contextSize : context.limit
  const clock = createClock(tally.timings)
  try {
    tally.usage.cachedTokens = lease.cachedTokens
    yield* roomWarnings(request, room - prompt.tokens.length)
    clock.begin('promptMs')
    yield* readPrompt(lease.sequence, prompt.tokens, loaded, signal)
    const parts = writeAnswer({ ...lease, loaded, request, prompt, room, grammar, signal, usage: tally.usage })
    yield* withClock(parts, clock, tally)
  } finally {
    clock.end()
    lease.release()
  }
}

/** The prompt's time ends with the first part of the answer. */
async function* withClock(
  parts: ReturnType<typeof writeAnswer>,
  clock: ReturnType<typeof createClock>,
  { usage, timings }: Tally,
): AsyncGenerator<Part, void, void> {
  try {
    let step = await parts.next()
    clock.begin('generationMs')
    yield { type: 'status', phase: 'generating' }
    for (; !step.done; step = await parts.next()) yield step.value
    clock.end()
    yield { type: 'finish', reason: step.value, usage: { ...usage }, timings: { ...timings } } satisfies Finish
  } finally {
    await parts.return('cancelled')
  }
}

/** In tokens, by the request or the configuration. */
function askedContext({ request, contextLength }: ChatInputs): number | undefined {
  return request.options?.contextLength ?? contextLength
}

function shortContext(tokens: number, wanted: number): Warning {
  return {
    type: 'warning',
    code: 'context-near-limit',
    message: `The free memory holds a context of ${tokens} tokens; ${wanted} were wanted.`,
    setting: 'options.contextLength',
  }
}

interface ContextPlan {
  least: number
  wanted: number
  /** Whether `wanted` was asked for. */
  demanded: boolean
  /** Tokens that prompt and answer may have together, as far as the request is concerned. */
  limit: number
  warnings: Warning[]
}

/** Room for an answer that has no bound of its own, in tokens. */
const usualAnswer = 2048

/** Throws `context-overflow` when the prompt leaves no room for an answer. */
function planContext(inputs: ChatInputs, { model }: LoadedModel, prompt: PreparedPrompt): ContextPlan {
  const { request } = inputs
  const trained = model.trainContextSize
  const asked = askedContext(inputs)
  const limit = Math.min(asked ?? trained, trained)
  const promptTokens = prompt.tokens.length
  if (promptTokens >= limit) {
    throw new LmappError(
      'context-overflow',
      `The prompt has ${promptTokens} tokens; the context holds ${limit}, the answer included.`,
      {
        ...(limit === trained && { hint: 'Shorten it, or choose a model with a longer context: lmapp models list' }),
        details: { promptTokens, contextLength: limit },
      },
    )
  }
  const wanted = asked === undefined ? promptTokens + (request.options?.maxTokens ?? usualAnswer) : limit
  const warnings =
    request.options?.contextLength !== undefined && request.options.contextLength > trained
      ? [unsupportedSetting('options.contextLength', `The model was made for ${trained} tokens; more are not used.`)]
      : []
  return {
    least: promptTokens + 1,
    wanted: Math.min(wanted, limit),
    demanded: asked !== undefined,
    limit,
    warnings,
  }
}

function roomWarnings({ options }: ChatRequest, room: number): Warning[] {
  if (options?.maxTokens === undefined || room >= options.maxTokens) return []
  return [
    {
      type: 'warning',
      code: 'context-near-limit',
      message: `The context leaves room for ${room} tokens of the answer.`,
      setting: 'options.maxTokens',
    },
  ]
}

/** Fills in one duration after the other. */
function createClock(timings: Timings) {
  let running: { name: 'promptMs' | 'generationMs'; since: number } | undefined
  const end = (): void => {
    if (running) timings[running.name] = Math.round(performance.now() - running.since)
    running = undefined
  }
  return {
    begin(name: 'promptMs' | 'generationMs'): void {
      end()
      running = { name, since: performance.now() }
    },
    end,
  }
}
