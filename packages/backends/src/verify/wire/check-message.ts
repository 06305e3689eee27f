import {
  backendInfo,
  embedResult,
  finish,
  health,
  helloResult,
  listModelsResult,
  logParams,
  modelInfo,
  pullProgressParams,
  rpcNotification,
  rpcResponse,
  streamedPart,
  tokenCount,
} from 'lmapp-kit/schema'
import { isFields } from '../../json/fields.ts'

/** What the published schema says against a value; undefined when nothing. */
type Problem = string | undefined

interface Schema {
  safeParse(value: unknown): {
    success: boolean
    error?: { issues: { path: PropertyKey[]; message: string }[] } | undefined
  }
}

export function checkEnvelope(message: unknown, kind: 'notification' | 'response'): Problem {
  return check(kind === 'notification' ? rpcNotification : rpcResponse, message)
}

export function checkResult(method: string, result: unknown): Problem {
  const schema = Object.hasOwn(results, method) ? results[method] : undefined
  if (schema === null) return result === null ? undefined : 'it must be null'
  return schema && check(schema, result)
}

/** Notifications that nobody knows come from a newer plugin, and are let through. */
export function checkNotification(method: string, params: unknown): Problem {
  if (method === 'log') return check(logParams, params)
  if (method === 'pull_progress') return check(pullProgressParams, params)
  return undefined
}

/** A part of a kind that nobody knows comes from a newer plugin, and is let through. */
export function checkPart(part: unknown): Problem {
  if (!isFields(part) || typeof part.type !== 'string') return 'a part has no type'
  return kinds.has(part.type) ? check(streamedPart, part) : undefined
}

/** `null`: the result is null. */
const results: Record<string, Schema | null> = {
  hello: helloResult,
  start: null,
  stop: null,
  is_running: health,
  get_info: backendInfo,
  list_models: listModelsResult,
  chat: finish,
  show_model: modelInfo,
  count_tokens: tokenCount,
  embed: embedResult,
  load_model: null,
  unload_model: null,
  remove_model: null,
}

const kinds = new Set(['text-delta', 'reasoning-delta', 'tool-call', 'status', 'warning'])

function check(schema: Schema, value: unknown): Problem {
  const { error } = schema.safeParse(value)
  const issue = error?.issues[0]
  if (!issue) return undefined
  return issue.path.length === 0 ? issue.message : `${issue.path.map(String).join('.')}: ${issue.message}`
}
