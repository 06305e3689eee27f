import type { TokenProbability } from 'lmapp-kit'
import type { AnswerEncoder, CollectedAnswer } from '../../answer/index.ts'
import type { JsonSchema } from '../../parse/fields.ts'
import { finishReasons, toFinishReason } from '../finish-reason.ts'
import { type Head, headProperties } from '../head.ts'
import { doneFrame, toCommentFrame, toErrorFrame } from '../stream-frames.ts'
import { toUsage, usageSchema } from '../usage.ts'

interface Logprobs {
  tokens: string[]
  token_logprobs: number[]
  top_logprobs: Record<string, number>[]
  /** In characters from the beginning of the answer. */
  text_offset: number[]
}

const listOf = (items: JsonSchema) => ({ type: 'array', items })

const logprobsSchema = {
  type: ['object', 'null'],
  required: ['tokens', 'token_logprobs', 'top_logprobs', 'text_offset'],
  properties: {
    tokens: listOf({ type: 'string' }),
    token_logprobs: listOf({ type: 'number' }),
    top_logprobs: listOf({ type: 'object', additionalProperties: { type: 'number' } }),
    text_offset: listOf({ type: 'integer', minimum: 0 }),
  },
}

/** Of a whole answer, and of a chunk of it: they are alike. */
export const completionSchema: JsonSchema = {
  type: 'object',
  required: ['id', 'object', 'created', 'model', 'choices'],
  properties: {
    id: { type: 'string', pattern: '^cmpl-' },
    object: { const: 'text_completion' },
    ...headProperties,
    choices: {
      type: 'array',
      maxItems: 1,
      items: {
        type: 'object',
        required: ['index', 'text', 'logprobs', 'finish_reason'],
        properties: {
          index: { const: 0 },
          text: { type: 'string' },
          logprobs: logprobsSchema,
          finish_reason: { enum: [...finishReasons, null] },
        },
        additionalProperties: false,
      },
    },
    usage: { anyOf: [usageSchema, { type: 'null' }] },
  },
  additionalProperties: false,
}

export function toCompletion(head: Head, { text, logprobs, reason, end }: CollectedAnswer): Record<string, unknown> {
  const usage = toUsage(end.usage)
  const choice = {
    index: 0,
    text,
    logprobs: logprobs ? toLogprobs(logprobs, 0) : null,
    finish_reason: toFinishReason(reason, false),
  }
  return { ...toObject(head), choices: [choice], ...(usage && { usage }) }
}

export function createCompletionEncoder(head: Head, { includeUsage }: { includeUsage: boolean }): AnswerEncoder {
  const tail = includeUsage ? ',"usage":null}\n\n' : '}\n\n'
  let start = toStart(head)
  let offset = 0

  return {
    begin: () => '',
    take(event) {
      switch (event.type) {
        case 'text-delta': {
          const logprobs = event.logprobs ? JSON.stringify(toLogprobs(event.logprobs, offset)) : 'null'
          if (event.logprobs) offset += lengthOf(event.text)
          return `${start}{"index":0,"text":${JSON.stringify(event.text)},"logprobs":${logprobs},"finish_reason":null}]${tail}`
        }
        case 'start':
          start = toStart({ ...head, model: event.model })
          return ''
        case 'handover':
          start = toStart({ ...head, model: event.to })
          return toCommentFrame(event)
        case 'warning':
          return toCommentFrame(event)
        case 'reasoning-delta':
        case 'tool-call':
        case 'status':
          return ''
        default:
          return event satisfies never
      }
    },
    finish(reason, end) {
      const finish = `${start}{"index":0,"text":"","logprobs":null,"finish_reason":"${toFinishReason(reason, false)}"}]${tail}`
      const usage = includeUsage ? toUsage(end.usage) : undefined
      return finish + (usage ? `${start}],"usage":${JSON.stringify(usage)}}\n\n` : '') + doneFrame
    },
    fail: toErrorFrame,
  }
}

/** What a chunk begins with, up to its choices. */
function toStart(head: Head): string {
  return `data: ${JSON.stringify(toObject(head)).slice(0, -1)},"choices":[`
}

function toObject({ id, created, model }: Head): Record<string, unknown> {
  return { id, object: 'text_completion', created, model }
}

function toLogprobs(tokens: readonly TokenProbability[], from: number): Logprobs {
  let offset = from
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top = [] }) => Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))),
    text_offset: tokens.map(({ token }) => {
      const here = offset
      offset += lengthOf(token)
      return here
    }),
  }
}

function lengthOf(text: string): number {
  return [...text].length
}
