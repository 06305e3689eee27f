import { type Finish, type FinishReason, LmappError, type Part, type Phase, type RequestId } from 'lmapp-kit'

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
  const id = isObject(params) ? params.id : undefined
  return typeof id === 'number' || typeof id === 'string' ? id : undefined
}

/** Throws `protocol-violation`. */
export function parseParts(params: unknown): ReceivedParts {
  if (!isObject(params) || typeof params.seq !== 'number' || !Array.isArray(params.parts)) {
    throw violation('"parts" came without its number or its parts.', params)
  }
  const parts: StreamedPart[] = []
  for (const part of params.parts) {
    if (!isObject(part) || typeof part.type !== 'string') throw violation('A part has no type.', part)
    if (isKnown(part)) parts.push(part)
  }
  return { seq: params.seq, count: params.parts.length, parts }
}

/** Throws `stream-incomplete`: a response that does not say how the answer ended is no end. */
export function parseFinish(value: unknown): Finish {
  if (!isObject(value) || value.type !== 'finish' || typeof value.reason !== 'string') {
    throw new LmappError('stream-incomplete', 'The response to the chat does not say how the answer ended.')
  }
  const reason = reasons.find((known) => known === value.reason) ?? 'other'
  return {
    type: 'finish',
    reason,
    usage: isObject(value.usage) ? value.usage : {},
    ...(isObject(value.timings) && { timings: value.timings }),
    ...(isObject(value.vendor) && { vendor: value.vendor }),
  }
}

const reasons: readonly FinishReason[] = ['stop', 'length', 'tool-calls', 'content-filter', 'cancelled', 'other']
const phases: readonly Phase[] = ['queued', 'connecting', 'fetching', 'loading', 'prompt', 'generating']
const warningCodes = [
  'unsupported-setting',
  'context-truncated',
  'context-near-limit',
  'context-estimated',
  'capability-unknown',
  'other',
]

/** False for what may be left out. Throws for a known part that is wrong. */
function isKnown(part: Record<string, unknown>): part is Record<string, unknown> & StreamedPart {
  switch (part.type) {
    case 'text-delta':
    case 'reasoning-delta':
      return assertTexts(part, 'text') && part.text !== ''
    case 'tool-call':
      return assertTexts(part, 'id', 'name', 'arguments')
    case 'status':
      return phases.some((phase) => phase === part.phase)
    case 'warning':
      if (!warningCodes.some((code) => code === part.code)) part.code = 'other'
      return assertTexts(part, 'message')
    case 'finish':
      throw violation('A finish came among the parts; it is the response.', part)
    default:
      return false
  }
}

function assertTexts(part: Record<string, unknown>, ...members: string[]): true {
  const wrong = members.find((member) => typeof part[member] !== 'string')
  if (wrong !== undefined) throw violation(`A part "${String(part.type)}" has no text in "${wrong}".`, part)
  return true
}

function violation(message: string, value: unknown): LmappError {
  return new LmappError('protocol-violation', message, { details: { received: JSON.stringify(value)?.slice(0, 200) } })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
