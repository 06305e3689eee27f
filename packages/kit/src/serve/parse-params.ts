import type { ChatRequest, ToolDefinition } from '../chat-request.ts'
import type { Message } from '../content.ts'
import { LmappError } from '../errors/lmapp-error.ts'
import {
  defaultCredit,
  type FileValue,
  type HelloParams,
  inlineLimitBytes,
  isFileValue,
  maxLineBytes,
} from '../protocol/messages.ts'

/** Parameters of requests as a plugin reads them. All throw `bad-input`; unknown members are ignored. */

const cancelDeadlineMs = 5000

export function parseHelloParams(value: unknown): HelloParams {
  const params = parseObject(value, 'params')
  const limits = isObject(params.limits) ? params.limits : {}
  return {
    interfaceVersions: parseStrings(params.interfaceVersions, 'interfaceVersions'),
    nonce: parseString(params.nonce, 'nonce'),
    config: isObject(params.config) ? params.config : {},
    secrets: isObject(params.secrets) ? keepStrings(params.secrets) : {},
    limits: {
      maxLineBytes: toNumber(limits.maxLineBytes, maxLineBytes),
      inlineLimitBytes: toNumber(limits.inlineLimitBytes, inlineLimitBytes),
      cancelDeadlineMs: toNumber(limits.cancelDeadlineMs, cancelDeadlineMs),
    },
    dataDir: parseString(params.dataDir, 'dataDir'),
    exchangeDir: parseString(params.exchangeDir, 'exchangeDir'),
  }
}

export function parseChatParams(value: unknown): { request: unknown; credit: number } {
  const params = parseObject(value, 'params')
  const { request, credit = defaultCredit } = params
  if (!isCount(credit)) throw wrong('credit', 'a number of parts')
  return { request, credit }
}

export function parseChatRequest(value: unknown): ChatRequest {
  const request = parseObject(value, 'request')
  parseString(request.model, 'request.model')
  parseMessages(request.messages, 'request.messages')
  return request as unknown as ChatRequest
}

export function parseMessages(value: unknown, name = 'messages'): Message[] {
  if (!Array.isArray(value)) throw wrong(name, 'a list of messages')
  for (const message of value) {
    if (!isObject(message) || typeof message.role !== 'string' || !Array.isArray(message.content)) {
      throw wrong(name, 'messages with role and content')
    }
  }
  return value as Message[]
}

/** The member `tools`, where it is there. */
export function parseTools(value: unknown): { tools?: ToolDefinition[] } {
  const { tools } = parseObject(value, 'params')
  if (tools === undefined) return {}
  const isTool = (tool: unknown) => isObject(tool) && typeof tool.name === 'string' && isObject(tool.parameters)
  if (!Array.isArray(tools) || !tools.every(isTool)) throw wrong('tools', 'a list of tools with name and parameters')
  return { tools }
}

export function parseStrings(value: unknown, name: string): string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw wrong(name, 'a list of texts')
  return value
}

export function parseModel(value: unknown): string {
  return parseString(parseObject(value, 'params').model, 'model')
}

/** A member that may be large: as it is, or a file that holds its JSON. */
export function parseLarge(value: unknown, member: string): { model: string; large: unknown } {
  return { model: parseModel(value), large: parseObject(value, 'params')[member] }
}

/** `credit` and `cancel` name a request. Undefined when they do not: a notification has no error to answer with. */
export function parseCredit(value: unknown): { id: unknown; parts: number } | undefined {
  return isObject(value) && isCount(value.parts) ? { id: value.id, parts: value.parts } : undefined
}

export async function resolveLarge(value: unknown, read: (file: FileValue) => Promise<Buffer>): Promise<unknown> {
  if (!isFileValue(value)) return value
  const text = (await read(value)).toString('utf8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new LmappError('bad-input', 'The file of a large value holds no JSON.', { cause })
  }
}

function parseObject(value: unknown, name: string): Record<string, unknown> {
  if (!isObject(value)) throw wrong(name, 'an object')
  return value
}

function parseString(value: unknown, name: string): string {
  if (typeof value !== 'string') throw wrong(name, 'a text')
  return value
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function toNumber(value: unknown, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? value : otherwise
}

function keepStrings(value: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (typeof item === 'string' ? [[key, item]] : [])),
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(name: string, expected: string): LmappError {
  return new LmappError('bad-input', `"${name}" must be ${expected}.`, { details: { name } })
}
