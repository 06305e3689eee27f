import {
  type ChatOptions,
  type ChatRequest,
  type Content,
  LmappError,
  type Message,
  toText,
  type Warning,
} from 'lmapp-kit'
import { isFields, parseJson } from '../json/fields.ts'
import { givesLogprobs } from './version.ts'

/** A message of `/api/chat`. */
export interface WireMessage {
  role: string
  content: string
  thinking?: string
  /** Base64. */
  images?: string[]
  tool_calls?: { id: string; function: { name: string; arguments: Record<string, unknown> } }[]
  tool_name?: string
  tool_call_id?: string
}

export interface ChatBody {
  model: string
  messages: WireMessage[]
  stream: true
  /** A prompt that does not fit is an error, not something to cut in silence. */
  truncate: false
  /** At the end of the context the answer ends with `length`; older messages are not pushed out. */
  shift: false
  tools?: unknown[]
  format?: Record<string, unknown>
  think?: boolean | string
  logprobs?: true
  /** At most 20. */
  top_logprobs?: number
  options: Record<string, unknown> & { num_ctx: number }
}

export interface ChatBodyOptions {
  /** Normalised name. */
  model: string
  contextLength: number
  /** Whether the model can think; `undefined` when nobody knows. */
  thinks: boolean | undefined
  /** Of the engine. */
  version: string
}

export function toChatBody(request: ChatRequest, options: ChatBodyOptions): ChatBody {
  const { model, contextLength, thinks, version } = options
  const tools = request.toolChoice === 'none' ? [] : (request.tools ?? [])
  const think = toThink(request.reasoning, thinks)
  return {
    model,
    messages: request.messages.flatMap(toWireMessages),
    stream: true,
    truncate: false,
    shift: false,
    ...(tools.length > 0 && { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
    ...(request.schema && { format: request.schema }),
    ...(think !== undefined && { think }),
    ...(givesLogprobs(version) && toLogprobs(request.options?.logprobs)),
    options: { ...toWireOptions(request.options ?? {}), num_ctx: contextLength },
  }
}

function toLogprobs(alternatives: number | undefined): Pick<ChatBody, 'logprobs' | 'top_logprobs'> {
  if (alternatives === undefined) return {}
  assertWhole('top_logprobs', 'logprobs', alternatives)
  return { logprobs: true, top_logprobs: alternatives }
}

/** Ollama refuses to make a model think that cannot; not to think it may always be asked. */
function toThink(reasoning: ChatRequest['reasoning'], thinks: boolean | undefined): boolean | string | undefined {
  return thinks === false && reasoning !== false ? undefined : reasoning
}

/** What of the request Ollama has no way to honour. */
export function warningsFor(
  request: ChatRequest,
  { thinks, version }: Pick<ChatBodyOptions, 'thinks' | 'version'>,
): Warning[] {
  const warnings: Warning[] = []
  const warn = (setting: string, message: string) =>
    warnings.push({ type: 'warning', code: 'unsupported-setting', setting, message })
  const { toolChoice, reasoning } = request
  if (toolChoice === 'required' || typeof toolChoice === 'object') {
    warn('toolChoice', 'Ollama cannot make a model call a tool: it decides by itself.')
  }
  if (thinks === false && (reasoning === true || typeof reasoning === 'string')) {
    warn('reasoning', `${request.model} does not reason.`)
  }
  if (request.options?.logprobs !== undefined && !givesLogprobs(version)) {
    warn('options.logprobs', `Ollama ${version} gives no log probabilities; 0.12.11 and later do.`)
  }
  return warnings
}

/** One message for each tool result, since Ollama knows one a message. */
export function toWireMessages(message: Message): WireMessage[] {
  const results = message.content.filter((item) => item.type === 'tool-result')
  const others = message.content.filter((item) => item.type !== 'tool-result')
  const wire: WireMessage[] = results.map((result) => ({
    role: 'tool',
    content: result.text,
    tool_name: result.name,
    tool_call_id: result.id,
  }))
  if (others.length > 0 || results.length === 0) wire.push(toWireMessage(message.role, others))
  return wire
}

function toWireMessage(role: string, content: readonly Content[]): WireMessage {
  const thinking = content.flatMap((item) => (item.type === 'reasoning' ? [item.text] : [])).join('')
  const images = content.flatMap((item) => (item.type === 'image' ? [item.data] : []))
  const calls = content.flatMap((item) => (item.type === 'tool-call' ? [item] : []))
  return {
    role,
    content: toText(content),
    ...(thinking !== '' && { thinking }),
    ...(images.length > 0 && { images }),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call) => ({
        id: call.id,
        function: { name: call.name, arguments: toArguments(call.arguments) },
      })),
    }),
  }
}

/** Ollama takes an object only; what a model wrote instead is handed over whole, under one name. */
function toArguments(text: string): Record<string, unknown> {
  const value = parseJson(text)
  if (isFields(value)) return value
  return text.trim() === '' ? {} : { arguments: text }
}

/** Ollama's names. It answers 500 to a fraction where it wants an integer. */
const optionNames = {
  temperature: { name: 'temperature', integer: false },
  topP: { name: 'top_p', integer: false },
  topK: { name: 'top_k', integer: true },
  minP: { name: 'min_p', integer: false },
  repeatPenalty: { name: 'repeat_penalty', integer: false },
  presencePenalty: { name: 'presence_penalty', integer: false },
  frequencyPenalty: { name: 'frequency_penalty', integer: false },
  seed: { name: 'seed', integer: true },
  maxTokens: { name: 'num_predict', integer: true },
} as const satisfies { [key in keyof ChatOptions]?: { name: string; integer: boolean } }

function toWireOptions(options: ChatOptions): Record<string, unknown> {
  const wire: Record<string, unknown> = {}
  for (const [key, { name, integer }] of Object.entries(optionNames)) {
    const value = options[key as keyof typeof optionNames]
    if (value === undefined) continue
    if (integer) assertWhole(name, key, value)
    wire[name] = value
  }
  if (options.stop !== undefined) wire.stop = options.stop
  return wire
}

function assertWhole(name: string, setting: string, value: number): void {
  if (Number.isInteger(value)) return
  throw new LmappError('bad-input', `${name} must be a whole number, not ${value}.`, { details: { setting } })
}
