import { type Finish, type FinishReason, LmappError, type Part, type RequestId } from 'lmapp-kit'
import { isFields } from '../../json/fields.ts'
import {
  amount,
  anyObject,
  count,
  joinPath,
  keepRight,
  listOf,
  numberIn,
  objectOf,
  oneOf,
  optional,
  type Shape,
  text,
  toDetails,
  violation,
} from './shape.ts'

/** What a plugin streams, as it comes over the line: unknown parts are left out, known ones must be right. */

type StreamedPart = Exclude<Part, Finish>

export interface ReceivedParts {
  seq: number
  /** How many there were, the unknown ones included: these are what credit counts. */
  count: number
  parts: StreamedPart[]
}

/** The request that a notification is about; undefined when it names none. */
export function parseRequestId(params: unknown): RequestId | undefined {
  const id = isFields(params) ? params.id : undefined
  return typeof id === 'number' || typeof id === 'string' ? id : undefined
}

/** Throws `protocol-violation` that says where in the message something is wrong. */
export function parseParts(params: unknown): ReceivedParts {
  if (!isFields(params) || typeof params.seq !== 'number' || !Array.isArray(params.parts)) {
    const path = isFields(params) && typeof params.seq === 'number' ? 'parts' : 'seq'
    throw violation('"parts" came without its number or its parts.', { path, value: params })
  }
  const parts: StreamedPart[] = []
  for (const [index, part] of params.parts.entries()) if (isKnown(part, index)) parts.push(part)
  return { seq: params.seq, count: params.parts.length, parts }
}

/**
 * Throws `stream-incomplete`: a response that does not say how the answer ended is no end. Figures that are wrong are
 * left out: the answer is whole without them.
 */
export function parseFinish(value: unknown): Finish {
  if (!isFields(value) || value.type !== 'finish' || typeof value.reason !== 'string') {
    throw new LmappError('stream-incomplete', 'The response to the chat does not say how the answer ended.', {
      details: { ...toDetails({ path: isFields(value) && value.type === 'finish' ? 'reason' : 'type', value }) },
    })
  }
  const reason = reasons.find((known) => known === value.reason) ?? 'other'
  return {
    type: 'finish',
    reason,
    usage: isFields(value.usage) ? keepRight(value.usage, usage) : {},
    ...(isFields(value.timings) && { timings: keepRight(value.timings, timings) }),
    ...(isFields(value.vendor) && { vendor: value.vendor }),
  }
}

const reasons: readonly FinishReason[] = ['stop', 'length', 'tool-calls', 'content-filter', 'cancelled', 'other']
const phases = ['queued', 'connecting', 'fetching', 'loading', 'prompt', 'generating']
const warningCodes = [
  'unsupported-setting',
  'context-truncated',
  'context-near-limit',
  'context-estimated',
  'capability-unknown',
  'other',
]

const usage = {
  inputTokens: count,
  outputTokens: count,
  cachedTokens: count,
  reasoningTokens: count,
  contextLength: count,
}
const timings = { loadMs: amount, promptMs: amount, generationMs: amount }
const vendor = optional(anyObject)

export const progress = objectOf({
  done: amount,
  total: optional(amount),
  unit: oneOf(['percent', 'tokens', 'bytes', 'steps']),
})

const logprob = objectOf({ token: text, logprob: numberIn(Number.NEGATIVE_INFINITY, 0) })
const textDelta = objectOf({ text, logprobs: optional(listOf(logprob)), vendor })
const reasoningDelta = objectOf({ text, vendor })
const toolCall = objectOf({ id: text, name: text, arguments: text, vendor })
const status = objectOf({ progress: optional(progress), message: optional(text), vendor })
const warning = objectOf({ message: text, setting: optional(text), vendor })

/** False for what may be left out. Throws for a known part that is wrong. */
function isKnown(part: unknown, index: number): part is StreamedPart {
  if (!isFields(part) || typeof part.type !== 'string') {
    throw violation('A part has no type.', { path: `parts[${index}].type`, value: part })
  }
  switch (part.type) {
    case 'text-delta':
      if (!isPlain(part)) assertShape(part, textDelta, index)
      return part.text !== ''
    case 'reasoning-delta':
      assertShape(part, reasoningDelta, index)
      return part.text !== ''
    case 'tool-call':
      return assertShape(part, toolCall, index)
    case 'status':
      return phases.some((phase) => phase === part.phase) && assertShape(part, status, index)
    case 'warning':
      if (!warningCodes.some((code) => code === part.code)) part.code = 'other'
      return assertShape(part, warning, index)
    case 'finish':
      throw violation('A finish came among the parts; it is the response.', { path: `parts[${index}]`, value: part })
    default:
      return false
  }
}

/** Nearly every part is. */
function isPlain(part: Record<string, unknown>): boolean {
  return typeof part.text === 'string' && part.logprobs === undefined && part.vendor === undefined
}

function assertShape(part: Record<string, unknown>, shape: Shape, index: number): true {
  const wrong = shape(part)
  if (!wrong) return true
  const path = joinPath(`parts[${index}]`, wrong.path)
  throw violation(`A part "${part.type}" is wrong in "${wrong.path}".`, { path, value: wrong.value })
}
