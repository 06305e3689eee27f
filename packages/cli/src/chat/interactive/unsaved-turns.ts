import { randomUUID } from 'node:crypto'
import type { ApiMessage } from 'lmapp-client'
import type { Content, Message } from 'lmapp-kit'
import type { FollowedRun } from '../follow-run.ts'

/** The turns of a chat that is not saved: they are nowhere but here. */
export interface UnsavedTurns {
  /** In the form in which stored ones come. */
  readonly messages: readonly ApiMessage[]
  /** As a model reads them. */
  toMessages(): Message[]
  /** What was asked and what came; nothing is kept of a question that got no word. */
  add(content: readonly Content[], followed: FollowedRun): void
  /** Takes the last question and its answer out; undefined: there is none. */
  takeLast(): Content[] | undefined
  /** Puts these in the place of all. */
  replace(messages: readonly ApiMessage[]): void
}

export function createUnsavedTurns(): UnsavedTurns {
  let messages: readonly ApiMessage[] = []
  return {
    get messages() {
      return messages
    },
    toMessages: () => messages.map(({ role, parts }) => ({ role, content: parts })),
    add(content, { text, end, model }) {
      if (text === '') return
      const question = { ...toMessage('user', content), parentId: messages.at(-1)?.id ?? null }
      const answer = toMessage('assistant', [{ type: 'text', text }])
      messages = [
        ...messages,
        question,
        {
          ...answer,
          parentId: question.id,
          model: model ?? null,
          state: end?.state ?? 'stopped',
          usage: end?.usage ?? null,
          timings: end?.timings ?? null,
        },
      ]
    },
    takeLast() {
      const at = messages.findLastIndex(({ role }) => role === 'user')
      const last = messages[at]?.parts
      if (last) messages = messages.slice(0, at)
      return last
    },
    replace(others) {
      messages = others
    },
  }
}

/** A complete message that belongs to nothing yet. */
export function toMessage(role: 'user' | 'assistant', parts: readonly Content[]): ApiMessage {
  return {
    id: randomUUID(),
    parentId: null,
    role,
    text: parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n'),
    parts: [...parts],
    state: 'complete',
    model: null,
    reason: null,
    error: null,
    usage: null,
    timings: null,
    createdAt: new Date().toISOString(),
  }
}
