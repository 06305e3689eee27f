import {
  type Backend,
  type BackendInfo,
  type CallOptions,
  type Health,
  interfaceVersion,
  type ModelInfo,
} from '../backend.ts'
import type { Capabilities, CapabilityName } from '../capability.ts'
import type { ChatRequest } from '../chat-request.ts'
import { LmappError } from '../errors/lmapp-error.ts'
import type { Finish, Part, Warning } from '../part.ts'
import { holdBackPartialCharacter } from '../streams/hold-back-partial-character.ts'
import { untilAborted } from '../streams/until-aborted.ts'

type StreamedPart = Exclude<Part, Finish>

/** How an answer ended. Default: `stop`, with no usage. */
export type AnswerEnd = Partial<Omit<Finish, 'type'>>

type OptionalMethods = Pick<
  Backend,
  'showModel' | 'embed' | 'countTokens' | 'loadModel' | 'unloadModel' | 'pullModel' | 'removeModel'
>

/** What an author writes of a backend; `createBackend` adds the rest. */
export interface BackendParts extends OptionalMethods {
  name: string
  version: string
  /** For people: what engine at which address. */
  description?: string
  /** What is not named is `no`; `chat` is `yes`. */
  capabilities?: Capabilities
  /** A chat with another model than these is `model-not-found`. A function is asked each time. */
  models: ModelInfo[] | ((options: CallOptions) => ModelInfo[] | Promise<ModelInfo[]>)
  /** Connects to the engine or starts it; called once until `stop`. It loads no model. */
  start?(options: CallOptions): Promise<void>
  /** Ends what `start` began. Chats that ran were told by their signals. */
  stop?(): Promise<void>
  /**
   * Yields text, or any other part, and returns how it ended. When the signal aborts, the loop is left at the next
   * `yield`; what waits for an engine passes the signal on. Asked only for what the capabilities do not deny.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a generator without a return gives void, and need not have one.
  chat(request: ChatRequest, options: { signal: AbortSignal }): AsyncGenerator<string | StreamedPart, AnswerEnd | void>
}

/**
 * A whole backend of the parts that are an author's own: it counts, cancels, joins starts, and refuses what it
 * cannot do.
 */
export function createBackend(parts: BackendParts): Backend {
  const running = new Set<AbortController>()
  let started: Promise<void> | undefined
  let stopping: Promise<void> | undefined
  let isUp = false

  const info: BackendInfo = {
    name: parts.name,
    version: parts.version,
    interfaceVersion,
    capabilities: { chat: 'yes', ...parts.capabilities },
    ...(parts.description !== undefined && { description: parts.description }),
  }
  const listModels = async (options: CallOptions = {}) =>
    Array.isArray(parts.models) ? parts.models : await parts.models(options)

  async function start(options: CallOptions = {}): Promise<void> {
    await stopping
    started ??= begin(options)
    await started
  }

  async function begin(options: CallOptions): Promise<void> {
    try {
      await parts.start?.(options)
      isUp = true
    } catch (error) {
      started = undefined
      throw error
    }
  }

  async function end(): Promise<void> {
    for (const controller of running) controller.abort()
    running.clear()
    await started?.catch(() => {})
    if (isUp) await parts.stop?.()
    started = undefined
    isUp = false
  }

  function stop(): Promise<void> {
    stopping ??= end().finally(() => {
      stopping = undefined
    })
    return stopping
  }

  async function* chat(request: ChatRequest, { signal }: CallOptions = {}): AsyncGenerator<Part, void> {
    const controller = new AbortController()
    running.add(controller)
    try {
      const either = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal
      assertAble(request, info.capabilities)
      if (!either.aborted) await assertKnown(request.model, listModels({ signal: either }), info.name)
      const { asked, warnings } = withoutDenied(request, info.capabilities)
      if (!either.aborted) yield* warnings
      yield* answer(parts, asked, either)
    } finally {
      running.delete(controller)
    }
  }

  return {
    ...toOptionalMethods(parts),
    start,
    stop,
    [Symbol.asyncDispose]: stop,
    isRunning: async (): Promise<Health> => ({
      running: isUp,
      state: stopping ? 'stopping' : isUp ? 'running' : started ? 'starting' : 'stopped',
      active: running.size,
      queued: 0,
      models: [],
    }),
    chat,
    listModels,
    getInfo: async () => info,
  }
}

async function* answer(parts: BackendParts, request: ChatRequest, signal: AbortSignal): AsyncGenerator<Part, void> {
  if (signal.aborted) {
    yield { type: 'finish', reason: 'cancelled', usage: {} }
    return
  }
  const source = parts.chat(request, { signal })
  let held = ''
  let end: AnswerEnd | undefined
  try {
    while (!end) {
      const next = await untilAborted(source.next(), signal)
      if (next.done) end = next.value ?? {}
      else if (typeof next.value !== 'string') yield next.value
      else {
        const text = holdBackPartialCharacter(held + next.value)
        held = text.held
        if (text.ready !== '') yield { type: 'text-delta', text: text.ready }
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
    end = { reason: 'cancelled' }
  } finally {
    // What ignores its signal goes on behind; nobody waits for it.
    void source.return(undefined).catch(() => {})
  }
  yield { type: 'finish', reason: 'stop', usage: {}, ...end }
}

/** Throws what no engine behind this backend can do, before it is asked. */
function assertAble(request: ChatRequest, capabilities: Capabilities): void {
  if (request.messages.length === 0) throw new LmappError('bad-input', 'There are no messages to answer.')
  const can = (name: CapabilityName) => (capabilities[name] ?? 'no') !== 'no'
  const images = request.messages.some(({ content }) => content.some(({ type }) => type === 'image'))
  const wanted: readonly [boolean, CapabilityName, string][] = [
    [request.continue === true, 'continue', 'go on with an answer that was begun'],
    [(request.tools ?? []).length > 0, 'tools', 'call tools'],
    [request.schema !== undefined, 'json-schema', 'keep to a JSON Schema'],
    [images, 'vision', 'see images'],
    [request.reasoning !== undefined && request.reasoning !== false, 'reasoning', 'think before it answers'],
  ]
  for (const [isWanted, name, what] of wanted) {
    if (!isWanted || can(name)) continue
    throw new LmappError('unsupported', `This backend cannot ${what}.`, { details: { capability: name } })
  }
  if (request.continue && request.messages.at(-1)?.role !== 'assistant') {
    throw new LmappError('bad-input', 'To go on, the last message must be the answer that was begun.')
  }
}

/** An answer without log probabilities is an answer; the author is not asked for them. */
function withoutDenied(
  request: ChatRequest,
  { logprobs: ability = 'no' }: Capabilities,
): { asked: ChatRequest; warnings: Warning[] } {
  const { logprobs, ...options } = request.options ?? {}
  if (logprobs === undefined || ability !== 'no') return { asked: request, warnings: [] }
  const message = 'This backend tells no log probabilities.'
  const warning: Warning = { type: 'warning', code: 'unsupported-setting', setting: 'options.logprobs', message }
  return { asked: { ...request, options }, warnings: [warning] }
}

async function assertKnown(model: string, listed: Promise<ModelInfo[]>, name: string): Promise<void> {
  const known = (await listed).map(({ id }) => id)
  if (known.includes(model)) return
  throw new LmappError('model-not-found', `"${name}" has no model "${model}".`, { details: { model, known } })
}

function toOptionalMethods(parts: BackendParts): OptionalMethods {
  const names = ['showModel', 'embed', 'countTokens', 'loadModel', 'unloadModel', 'pullModel', 'removeModel'] as const
  const given = names.flatMap((name) => (parts[name] ? [[name, parts[name].bind(parts)] as const] : []))
  return Object.fromEntries(given)
}
