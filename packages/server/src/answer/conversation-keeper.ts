import { createHash } from 'node:crypto'
import { toTitle, toVisibleText } from '@lmapp/core/runs'
import {
  createId,
  type ImportConversation,
  type ImportMessage,
  type Store,
  type StoredMessage,
} from '@lmapp/core/store'
import type { Content, Message } from 'lmapp-kit'
import { owner } from '../access/principal.ts'

/**
 * Writes what programs ask into the owner's history. They send the whole conversation each time; what begins as an
 * earlier one did, by the same program, goes on in the same conversation, as long as this service lives.
 */
export interface ConversationKeeper {
  /** Resolves to the id of the last of the messages, which is the question. */
  keep(asker: string, messages: readonly Message[], model: string | undefined): Promise<string>
}

/** Where a prompt ended in the history. */
interface Place {
  conversation: string
  message: string
}

/** Prompts that are remembered, by their contents. */
const mostPrompts = 10_000

export function createConversationKeeper(
  store: Pick<Store, 'importConversations' | 'getConversation'>,
): ConversationKeeper {
  const places = new Map<string, Place>()

  const remember = (hash: string, place: Place) => {
    places.delete(hash)
    places.set(hash, place)
    const [oldest] = places.keys()
    if (places.size > mostPrompts && oldest !== undefined) places.delete(oldest)
  }

  return {
    async keep(asker, all, model) {
      const { system, messages } = splitSystem(all)
      const hashes = toHashes([asker, system ?? ''], messages)
      const known = messages.length - 1 - [...hashes].reverse().findIndex((hash) => places.has(hash))
      const place = places.get(hashes[known] ?? '')
      const begun = place && (await findPath(store, place, { system, messages: messages.slice(known + 1) }))
      const rest = begun ? messages.slice(known + 1 + begun.steps) : messages
      const conversation = toConversation({ id: begun?.conversation, parent: begun?.message, system, model }, rest)
      if (rest.length > 0) await store.importConversations([conversation], owner.owner)
      const question = conversation.head ?? begun?.message ?? ''
      remember(hashes.at(-1) ?? '', { conversation: conversation.id, message: question })
      return question
    },
  }
}

/**
 * How far down the stored tree the messages behind a place lead. Undefined where the conversation is gone, or goes on under
 * other instructions than those of the program: what its owner wrote there is not for the program.
 */
async function findPath(
  store: Pick<Store, 'getConversation'>,
  { conversation, message }: Place,
  { system, messages }: { system: string | null; messages: readonly Message[] },
): Promise<(Place & { steps: number }) | undefined> {
  const stored = await store.getConversation(conversation, owner.owner, { branches: true }).catch(() => undefined)
  if (!stored?.messages.some(({ id }) => id === message)) return undefined
  if ((stored.system ?? '') !== (system ?? '')) return undefined
  let at = message
  let steps = 0
  for (const wanted of messages) {
    const child = stored.messages.find((each) => each.parentId === at && isSame(each, wanted))
    if (!child) break
    at = child.id
    steps += 1
  }
  return { conversation, message: at, steps }
}

/** What a program sends back of an answer: its text and its calls. */
function isSame(stored: StoredMessage, { role, content }: Message): boolean {
  return stored.role === role && toEssence(stored.parts) === toEssence(content)
}

function toEssence(content: readonly Content[]): string {
  const calls = content.flatMap((item) => (item.type === 'tool-call' ? [[item.name, item.arguments]] : []))
  const others = content.flatMap((item) =>
    item.type === 'text' || item.type === 'tool-call' || item.type === 'reasoning' ? [] : [item],
  )
  const text = content.flatMap((item) => (item.type === 'text' ? [item.text] : [])).join('')
  return JSON.stringify([text, calls, others])
}

function splitSystem(all: readonly Message[]): { system: string | null; messages: readonly Message[] } {
  const [first, ...rest] = all
  return first?.role === 'system'
    ? { system: toVisibleText(first.content), messages: rest }
    : { system: null, messages: all }
}

/** One for each beginning. */
function toHashes(before: readonly string[], messages: readonly Message[]): string[] {
  let last = before.join('\u0000')
  return messages.map(({ role, content }) => {
    last = createHash('sha256').update(last).update(role).update(toEssence(content)).digest('base64')
    return last
  })
}

interface Beginning {
  id: string | undefined
  parent: string | undefined
  system: string | null
  model: string | undefined
}

function toConversation({ id, parent, system, model }: Beginning, messages: readonly Message[]): ImportConversation {
  const now = new Date().toISOString()
  const stored: ImportMessage[] = []
  for (const { role, content } of messages) {
    const parentId = stored.at(-1)?.id ?? parent ?? null
    stored.push({
      ...blank,
      id: createId(),
      parentId,
      role,
      text: toVisibleText(content),
      parts: content,
      createdAt: now,
    })
  }
  const question = messages.find(({ role }) => role === 'user')
  return {
    id: id ?? createId(),
    title: toTitle(question ? toVisibleText(question.content) : '') || 'Conversation',
    model: model ?? null,
    head: stored.at(-1)?.id ?? null,
    createdAt: now,
    updatedAt: now,
    system,
    messages: stored,
  }
}

const blank = { state: 'complete', model: null, reason: null, error: null, usage: null, timings: null } as const
