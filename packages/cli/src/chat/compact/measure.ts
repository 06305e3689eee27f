import { mostTokens } from '@lmapp/backends/text-measure'
import type { ApiMessage } from 'lmapp-client'
import type { Message } from 'lmapp-kit'
import type { TurnsRead } from '../interactive/chat-turns.ts'

/** What messages take of a context. */
export interface Measure {
  /** Whether it goes by what an engine counted for this conversation. Else it is a generous bound. */
  readonly isCounted: boolean
  /** Of the system prompt, and what stands around every prompt. */
  readonly systemTokens: number
  /** Without the system prompt. */
  tokens(messages: readonly ApiMessage[]): number
}

/** By the last answer whose whole prompt was counted: what follows is taken to be like it. */
export function createMeasure({ messages, system }: Pick<TurnsRead, 'messages' | 'system'>): Measure {
  const around = mostTokens({ messages: [] })
  const systemMost = mostTokens({ messages: system ? [toSystem(system)] : [] })
  const most = (some: readonly ApiMessage[]) => mostTokens({ messages: toReadable(some) }) - around
  const at = messages.findLastIndex(({ usage }) => (usage?.inputTokens ?? 0) > 0)
  const counted = at < 0 ? undefined : countOf(messages[at])
  const rate = counted === undefined ? 1 : counted / (systemMost + most(messages.slice(0, at + 1)))
  return {
    isCounted: counted !== undefined,
    systemTokens: systemMost * rate,
    tokens: (some) => most(some) * rate,
  }
}

/** The prompt and what came, without the thoughts: they are not read again. */
function countOf(answer: ApiMessage | undefined): number | undefined {
  const { inputTokens, outputTokens = 0, reasoningTokens = 0 } = answer?.usage ?? {}
  return inputTokens === undefined ? undefined : inputTokens + outputTokens - reasoningTokens
}

function toReadable(messages: readonly ApiMessage[]): Message[] {
  return messages
    .filter(({ state }) => state !== 'failed')
    .map(({ role, parts }) => ({ role, content: parts.filter(({ type }) => type !== 'reasoning') }))
    .filter(({ content }) => content.length > 0)
}

function toSystem(text: string): Message {
  return { role: 'system', content: [{ type: 'text', text }] }
}
