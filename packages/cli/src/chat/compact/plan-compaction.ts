import type { ApiMessage } from 'lmapp-client'
import type { TurnsRead } from '../interactive/chat-turns.ts'
import { opening } from './compacted-messages.ts'
import type { Measure } from './measure.ts'
import { longestSummary, tokensOfSummary } from './summary-prompt.ts'

/** Which messages become a summary, and which stay word for word. */
export interface CompactionPlan {
  /** That of an earlier compaction, which the new one takes in. */
  summary: string
  older: ApiMessage[]
  kept: ApiMessage[]
}

/** Of the context that the system prompt leaves: what the newest turns may take. */
const keptPart = 1 / 3
/** A question that got no answer is to be asked again, so it may take more. */
const askedPart = 1 / 2

/**
 * The newest turns stay, as many as take a third of the context and half of the conversation; the last one if it alone
 * fits that third. A question that never fitted, and after which another was asked, is in neither.
 */
export function planCompaction(
  { messages }: Pick<TurnsRead, 'messages'>,
  { contextLength, measure }: { contextLength: number; measure: Measure },
): CompactionPlan {
  const { summary, turns } = splitTurns(messages, longestSummary(contextLength))
  const sizes = turns.map((turn) => measure.tokens(turn))
  const room = contextLength - measure.systemTokens
  const budget = Math.min(room * keptPart, sumOf(sizes) / 2)
  const isAsked = turns.at(-1)?.some(isAnswered) === false
  let first = turns.length
  let taken = sizes.at(-1) ?? 0
  if (taken <= room * (isAsked ? askedPart : keptPart)) {
    first -= 1
    for (let size = sizes[first - 1]; size !== undefined && taken + size <= budget; size = sizes[first - 1]) {
      taken += size
      first -= 1
    }
  }
  return { summary, older: turns.slice(0, first).flat(), kept: turns.slice(Math.max(first, 0)).flat() }
}

/** Whether the last question got no word of an answer. */
export function endsUnanswered(messages: readonly ApiMessage[]): boolean {
  const question = messages.findLastIndex(({ role }) => role === 'user')
  return question >= 0 && !messages.slice(question).some(isAnswered)
}

/** An earlier summary that is too long by now is a turn like others. */
function splitTurns(messages: readonly ApiMessage[], mostTokens: number): { summary: string; turns: ApiMessage[][] } {
  const all = toTurns(messages)
  const said = all[0]?.[0]?.text === opening ? (all[0].find(isAnswered)?.text ?? '') : ''
  const summary = tokensOfSummary(said) <= mostTokens ? said : ''
  const turns = summary === '' ? all : all.slice(1)
  return { summary, turns: turns.filter((turn, index) => index === turns.length - 1 || !neverFitted(turn)) }
}

/** Each begins with a question; what stands before the first one is a turn too. */
function toTurns(messages: readonly ApiMessage[]): ApiMessage[][] {
  const turns: ApiMessage[][] = []
  for (const message of messages) {
    const turn = turns.at(-1)
    if (turn && message.role !== 'user') turn.push(message)
    else turns.push([message])
  }
  return turns
}

function isAnswered({ role, text, parts }: ApiMessage): boolean {
  return role === 'assistant' && (text !== '' || parts.some(({ type }) => type === 'tool-call'))
}

function neverFitted(turn: readonly ApiMessage[]): boolean {
  return !turn.some(isAnswered) && turn.some(({ error }) => error?.code === 'context-overflow')
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0)
}
