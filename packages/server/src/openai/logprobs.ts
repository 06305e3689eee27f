import type { TokenProbability } from 'lmapp-kit'
import type { JsonSchema } from '../parse/fields.ts'

interface WireToken {
  token: string
  logprob: number
  /** In UTF-8. */
  bytes: number[]
}

export interface ChatLogprobs {
  content: (WireToken & { top_logprobs: WireToken[] })[]
  refusal: null
}

const tokenFields = {
  token: { type: 'string' },
  logprob: { type: 'number' },
  bytes: { type: ['array', 'null'], items: { type: 'integer' } },
}
const tokenSchema = { type: 'object', required: ['token', 'logprob', 'bytes'], properties: tokenFields }

export const chatLogprobsSchema: JsonSchema = {
  type: ['object', 'null'],
  required: ['content', 'refusal'],
  properties: {
    content: {
      type: 'array',
      items: {
        type: 'object',
        required: ['token', 'logprob', 'bytes', 'top_logprobs'],
        properties: { ...tokenFields, top_logprobs: { type: 'array', items: tokenSchema } },
      },
    },
    refusal: { type: 'null' },
  },
}

export function toChatLogprobs(tokens: readonly TokenProbability[]): ChatLogprobs {
  return {
    content: tokens.map(({ top = [], ...token }) => ({ ...toWireToken(token), top_logprobs: top.map(toWireToken) })),
    refusal: null,
  }
}

function toWireToken({ token, logprob }: { token: string; logprob: number }): WireToken {
  return { token, logprob, bytes: [...Buffer.from(token)] }
}
