import type { ChatRequest } from '../../chat-request.ts'
import { type ImageContent, type Message, toText } from '../../content.ts'
import { LmappError } from '../../errors/lmapp-error.ts'
import type { ToolCall, Warning } from '../../part.ts'
import type { MockScript } from './mock-script.ts'
import { toSchemaInstance } from './schema-instance.ts'
import { countPromptTokens, toTokens } from './tokens.ts'

/** What will be said, decided before the first token: the mock is a function of its script and the request. */
export interface AnswerPlan {
  inputTokens: number
  warnings: Warning[]
  /** Tokens, as all that follows. */
  reasoning: string[]
  text: string[]
  /** Each token of the text is told with its probability and so many others. */
  alternatives?: number
  toolCall?: Pick<ToolCall, 'name' | 'arguments'>
  reason: 'stop' | 'length' | 'tool-calls'
}

/** Throws `bad-input`, `unsupported` or `context-overflow`. */
export function planAnswer(script: MockScript, request: ChatRequest): AnswerPlan {
  assertAnswerable(script, request)
  const inputTokens = countPromptTokens(request)
  const room = toRoom(script, request, inputTokens)
  const reasoning = request.reasoning === false || request.continue ? [] : toTokens(script.reasoningText ?? '')
  const toolCall = toToolCall(script, request)
  const text = toolCall ? [] : toAnswerTokens(script, request)
  const whole = cut({ reasoning, text, reason: toolCall ? 'tool-calls' : 'stop' }, room)
  const called = toolCall && whole.reason === 'tool-calls' ? { toolCall } : {}
  const alternatives = script.logprobs ? request.options?.logprobs : undefined
  const told = alternatives === undefined ? {} : { alternatives }
  return { inputTokens, warnings: toWarnings(script, request), ...whole, ...called, ...told }
}

export function toContextLength(script: MockScript): number {
  return script.contextLength ?? 32768 + (script.repeatTokens ?? 0)
}

function assertAnswerable(script: MockScript, request: ChatRequest): void {
  const last = request.messages.at(-1)
  if (last === undefined) throw new LmappError('bad-input', 'There is no message to answer.')
  if (request.continue && script.continue === false) throw unsupported('cannot go on with a partial answer')
  if (request.continue && last.role !== 'assistant') {
    throw new LmappError('bad-input', 'To continue, the last message must be the unfinished answer.')
  }
  assertCallsTools(script, request)
  if (request.schema && script.schema === false) throw unsupported('cannot answer under a schema')
  if (!script.seesImages && request.messages.some((message) => imagesOf(message).length > 0)) {
    throw unsupported('cannot see images')
  }
}

/** Throws `unsupported`. */
export function assertCallsTools({ toolCall }: MockScript, { tools }: Pick<ChatRequest, 'tools'>): void {
  if (tools?.length && !toolCall) throw unsupported('cannot call tools')
}

function unsupported(what: string): LmappError {
  return new LmappError('unsupported', `This model of the mock ${what}.`)
}

/** Tokens that the answer may have. */
function toRoom(script: MockScript, request: ChatRequest, inputTokens: number): number {
  const contextLength = Math.min(toContextLength(script), request.options?.contextLength ?? Number.POSITIVE_INFINITY)
  if (inputTokens >= contextLength) {
    throw new LmappError('context-overflow', `The prompt has ${inputTokens} tokens, the context ${contextLength}.`, {
      details: { inputTokens, contextLength },
    })
  }
  return Math.min(contextLength - inputTokens, request.options?.maxTokens ?? Number.POSITIVE_INFINITY)
}

function toToolCall(script: MockScript, request: ChatRequest): AnswerPlan['toolCall'] {
  const call = script.toolCall
  const answered = request.messages.at(-1)?.role === 'tool'
  const given = request.tools?.some((tool) => tool.name === call?.name)
  if (call === undefined || !given || answered || request.toolChoice === 'none') return undefined
  const raw = call.arguments
  return { name: call.name, arguments: typeof raw === 'string' ? raw : JSON.stringify(raw) }
}

function toAnswerTokens(script: MockScript, request: ChatRequest): string[] {
  const reply = request.schema ? JSON.stringify(toSchemaInstance(request.schema)) : toReply(script, request)
  const whole = repeat(toTokens(reply), request.schema ? undefined : script.repeatTokens)
  const due = request.continue ? toRest(whole, toText(request.messages.at(-1)?.content ?? [])) : whole
  return request.options?.stop?.length ? cutAtStop(due, request.options.stop) : due
}

function toReply(script: MockScript, request: ChatRequest): string {
  const fillings = {
    '{question}': toText(request.messages.findLast((message) => message.role === 'user')?.content ?? []),
    '{system}': toText(request.messages.find((message) => message.role === 'system')?.content ?? []),
    '{turns}': String(request.messages.filter((message) => message.role === 'user').length),
  }
  const filled = (script.reply ?? '{question}').replaceAll(
    /\{(question|system|turns)\}/g,
    (name) => fillings[name as keyof typeof fillings],
  )
  return toImageLines(request) + filled
}

function toImageLines(request: ChatRequest): string {
  const images = request.messages.findLast((message) => message.role === 'user')
  const lines = (images ? imagesOf(images) : []).map((image) => {
    return `I see ${image.mediaType} of ${Buffer.from(image.data, 'base64').length} bytes.\n`
  })
  return lines.join('')
}

function imagesOf(message: Message): ImageContent[] {
  return message.content.filter((item) => item.type === 'image')
}

/** A space is put between two rounds where the reply does not end with one. */
function repeat(tokens: string[], length: number | undefined): string[] {
  const last = tokens.at(-1)
  if (length === undefined || last === undefined) return tokens
  const round = /\s$/u.test(last) ? tokens : [...tokens.slice(0, -1), `${last} `]
  return Array.from({ length }, (_, index) => round[index % round.length] ?? '')
}

/** What is left after `partial`. Something that it would never have said is followed by the whole answer. */
function toRest(tokens: string[], partial: string): string[] {
  if (!tokens.join('').startsWith(partial)) return tokens
  let left = partial.length
  for (const [index, token] of tokens.entries()) {
    if (left < token.length) return [...toTokens(token.slice(left)), ...tokens.slice(index + 1)]
    left -= token.length
  }
  return []
}

function cutAtStop(tokens: string[], stops: readonly string[]): string[] {
  const text = tokens.join('')
  let first = Number.POSITIVE_INFINITY
  for (const stop of stops) {
    const end = stop === '' ? -1 : text.indexOf(stop)
    if (end >= 0) first = Math.min(first, end)
  }
  return Number.isFinite(first) ? toTokens(text.slice(0, first)) : tokens
}

function cut(plan: Pick<AnswerPlan, 'reasoning' | 'text' | 'reason'>, room: number): typeof plan {
  if (plan.reasoning.length + plan.text.length <= room) return plan
  const reasoning = plan.reasoning.slice(0, room)
  return { reasoning, text: plan.text.slice(0, room - reasoning.length), reason: 'length' }
}

const ignoredOptions = ['topK', 'minP', 'repeatPenalty', 'presencePenalty', 'frequencyPenalty'] as const

function toWarnings(script: MockScript, request: ChatRequest): Warning[] {
  const settings: string[] = ignoredOptions
    .filter((name) => request.options?.[name] !== undefined)
    .map((name) => `options.${name}`)
  if (request.options?.logprobs !== undefined && !script.logprobs) settings.push('options.logprobs')
  if (request.reasoning && !script.reasoningText) settings.push('reasoning')
  if ((request.options?.contextLength ?? 0) > toContextLength(script)) settings.push('options.contextLength')
  return settings.map((setting) => ({
    type: 'warning',
    code: 'unsupported-setting',
    message: `The mock does not honour ${setting}.`,
    setting,
  }))
}
