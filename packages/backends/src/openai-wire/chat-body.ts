import { type ChatOptions, type ChatRequest, LmappError, type ToolDefinition, type Warning } from 'lmapp-kit'
import type { Dialect, WireSetting } from './dialect.ts'
import { toWireMessages, type WireMessage } from './wire-messages.ts'

/** The body of a request to `/v1/chat/completions`. */
export interface ChatBody {
  model: string
  messages: WireMessage[]
  stream: true
  /** What the dialect and the request bring. */
  [member: string]: unknown
}

export interface ChatBodyOptions {
  dialect: Dialect
  /** The name that goes out. Default: the request's. */
  model?: string
  /** The context that the engine has, in tokens, where that is known: one that is no larger may be wished for. */
  contextLength?: number
}

/**
 * The body for a request, and a warning for each setting that cannot be honoured. Members of `request.vendor` are sent
 * along where nothing else sets them. Throws `bad-input`.
 */
export function toChatBody(request: ChatRequest, options: ChatBodyOptions): { body: ChatBody; warnings: Warning[] } {
  const { dialect, model = request.model } = options
  const warnings: Warning[] = []
  const warn = (setting: string, message: string) =>
    warnings.push({ type: 'warning', code: 'unsupported-setting', setting, message })
  const body = {
    ...request.vendor,
    ...dialect.extra,
    model,
    messages: request.messages.flatMap((message) => toWireMessages(message, dialect)),
    stream: true as const,
    stream_options: { include_usage: true },
    ...toTools(request, dialect),
    ...(request.schema && { response_format: toResponseFormat(request.schema) }),
    ...toReasoning(request, dialect, warn),
    ...toSettings(request.options ?? {}, dialect, warn),
    ...toLogprobs(request.options ?? {}, dialect, warn),
    ...(request.continue && dialect.continuation),
  }
  warnOfContext(request, options, warn)
  return { body, warnings }
}

type Warn = (setting: string, message: string) => void

/** Without tools none can be called, whatever the engine makes of `tool_choice: "none"`. */
function toTools({ tools = [], toolChoice }: ChatRequest, { namedToolChoice }: Dialect): Record<string, unknown> {
  if (tools.length === 0 || toolChoice === 'none') return {}
  if (typeof toolChoice !== 'object') {
    return { tools: tools.map(toTool), ...(toolChoice !== undefined && { tool_choice: toolChoice }) }
  }
  const { name } = toolChoice
  if (!tools.some((tool) => tool.name === name)) {
    throw new LmappError('bad-input', `There is no tool "${name}" to be called.`, {
      details: { setting: 'toolChoice' },
    })
  }
  if (namedToolChoice) return { tools: tools.map(toTool), tool_choice: { type: 'function', function: { name } } }
  return { tools: tools.filter((tool) => tool.name === name).map(toTool), tool_choice: 'required' }
}

function toTool({ name, description, parameters }: ToolDefinition): Record<string, unknown> {
  return { type: 'function', function: { name, ...(description !== undefined && { description }), parameters } }
}

function toResponseFormat(schema: Record<string, unknown>): Record<string, unknown> {
  return { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } }
}

/** A level says that it shall think, too. */
function toReasoning({ reasoning }: ChatRequest, dialect: Dialect, warn: Warn): Record<string, unknown> {
  if (reasoning === undefined) return {}
  const { engine, reasoningEffort, reasoningSwitch } = dialect
  const isLevel = typeof reasoning === 'string'
  if (isLevel && !reasoningEffort) warn('reasoning', `${engine} knows no levels of reasoning.`)
  if (!isLevel && reasoningSwitch === undefined) {
    warn('reasoning', `${engine} cannot be told whether to reason: the model does as it does.`)
  }
  return {
    ...(isLevel && reasoningEffort && { reasoning_effort: reasoning }),
    ...(reasoningSwitch !== undefined && { chat_template_kwargs: { [reasoningSwitch]: reasoning !== false } }),
  }
}

const wholeNumbers: ReadonlySet<string> = new Set<keyof ChatOptions>(['topK', 'seed', 'maxTokens', 'logprobs'])

function toSettings(options: ChatOptions, { engine, settings }: Dialect, warn: Warn): Record<string, unknown> {
  const { contextLength: _context, logprobs: _logprobs, ...given } = options
  const wire: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue
    assertWhole(key, value)
    const name = settings[key as WireSetting]
    if (name === undefined) warn(`options.${key}`, `${engine} has no such setting: ${key}.`)
    else wire[name] = value
  }
  return wire
}

function assertWhole(key: string, value: unknown): void {
  if (!wholeNumbers.has(key) || Number.isInteger(value)) return
  throw new LmappError('bad-input', `${key} must be a whole number, not ${value}.`, { details: { setting: key } })
}

/** llama-server takes the wish for none beside the token itself as no wish at all. */
function toLogprobs({ logprobs }: ChatOptions, dialect: Dialect, warn: Warn): Record<string, unknown> {
  if (logprobs === undefined) return {}
  assertWhole('logprobs', logprobs)
  if (dialect.logprobs) return { logprobs: true, top_logprobs: Math.max(1, logprobs) }
  warn('options.logprobs', `${dialect.engine} gives no log probabilities.`)
  return {}
}

function warnOfContext({ options }: ChatRequest, { dialect, contextLength }: ChatBodyOptions, warn: Warn): void {
  const wanted = options?.contextLength
  if (wanted === undefined || wanted <= (contextLength ?? 0)) return
  const has = contextLength === undefined ? '' : ` It has ${contextLength} tokens.`
  warn('options.contextLength', `The context of ${dialect.engine} is set where it is started, not by a request.${has}`)
}
