import { measureText, mostTokens } from '@lmapp/backends/text-measure'
import { LmappError } from 'lmapp-kit'
import { formatCount } from '../../output/format.ts'

/** How a context is shared out when a summary is written, in tokens. */
export interface SummaryRoom {
  /** What the summary may have at most. */
  answer: number
  /** What one piece of the conversation may have beside the summary so far. */
  piece: number
}

const answerPart = 1 / 4
const mostTokensOfSummary = 4096
const leastPiece = 64
const mostWords = 400
/** Of a summary: many languages need more tokens for a word than English. */
const tokensOfWord = 2.5

/** Throws `context-overflow` where no piece has a place. */
export function shareOut(contextLength: number, summaryTokens: number): SummaryRoom {
  const answer = longestSummary(contextLength)
  const prompt = mostTokens({ messages: [toQuestion(toSummaryPrompt({ contextLength, summary: '-', piece: '' }))] })
  const piece = contextLength - answer - prompt - summaryTokens
  if (piece >= leastPiece) return { answer, piece }
  throw new LmappError(
    'context-overflow',
    `A context of ${formatCount(contextLength)} tokens is too short to write a summary in.`,
    { hint: 'Choose a model with a longer context: /model', details: { contextLength } },
  )
}

/** Generous. */
export function tokensOfSummary(summary: string): number {
  return measureText(summary).most
}

/** `summary`: of what came before the piece; empty: nothing did. */
export function toSummaryPrompt({
  contextLength,
  summary,
  piece,
}: {
  contextLength: number
  summary: string
  piece: string
}) {
  const words = Math.min(mostWords, Math.floor(longestSummary(contextLength) / tokensOfWord / 10) * 10)
  const before = summary === '' ? '' : `Summary of what was said before:\n\n${summary}\n\n`
  return (
    'Here is the older part of a conversation between a user and an assistant. They will go on from your summary ' +
    'alone, so keep names, numbers, decisions, code that still matters and open questions.\n\n' +
    `${before}The conversation${before && ', from there on'}:\n\n${piece}\n\n` +
    `Write one summary of ${before ? 'both together' : 'it'}, in the language of the conversation and in at most ` +
    `${words} words. Write only the summary.`
  )
}

/** In tokens. One that is longer leaves too little room beside it. */
export function longestSummary(contextLength: number): number {
  return Math.min(mostTokensOfSummary, Math.floor(contextLength * answerPart))
}

function toQuestion(text: string) {
  return { role: 'user' as const, content: [{ type: 'text' as const, text }] }
}
