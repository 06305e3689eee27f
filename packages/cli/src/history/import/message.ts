import { type Content, toText } from 'lmapp-kit'
import type { ImportedMessage } from './imported.ts'
import { toTitle } from './values.ts'

export type MessageFacts = Pick<ImportedMessage, 'role' | 'createdAt'> & Partial<ImportedMessage>

/** A message made of its parts: whole, and without the facts that are not known of it. */
export function createMessage(facts: MessageFacts): Omit<ImportedMessage, 'id' | 'parentId'> {
  const parts = facts.parts ?? []
  return {
    role: facts.role,
    text: facts.text ?? toText(parts),
    parts,
    state: facts.state ?? 'complete',
    model: facts.model ?? null,
    reason: facts.reason ?? null,
    error: facts.error ?? null,
    usage: facts.usage ?? null,
    timings: facts.timings ?? null,
    createdAt: facts.createdAt,
  }
}

/** The parts of a text that may be empty. */
export function toTextParts(text: string): Content[] {
  return text === '' ? [] : [{ type: 'text', text }]
}

/** What a conversation without a title is called: its first question's first words. */
export function chooseTitle(title: string | undefined, messages: readonly ImportedMessage[]): string {
  const question = messages.find(({ role, text }) => role === 'user' && text.trim() !== '')
  return toTitle(title) ?? toTitle(question?.text) ?? 'Imported conversation'
}

/** The model of the last answer, when the conversation names none. */
export function lastModel(messages: readonly ImportedMessage[]): string | null {
  return messages.findLast(({ model }) => model !== null)?.model ?? null
}
