import { createHash } from 'node:crypto'
import { type KeptPrompt, toTitle, toVisibleText } from '@lmapp/core/runs'
import { createId, type Store, type StoredMessage } from '@lmapp/core/store'
import { type Content, isLmappError, type Message } from 'lmapp-kit'
import { owner } from '../access/principal.ts'

/**
 * Finds where in the owner's history stands what programs ask. They send the whole conversation each time; what begins
 * as an earlier one did, by the same program, goes on in the same conversation, as long as this service lives.
 */
export interface ConversationKeeper {
  /**
   * `begin` writes it. It is called once more where the conversation was deleted meanwhile, or goes on under other
   * instructions than those of the program: what its owner wrote there is not for the program.
   */
  keep<T>(asked: Asked, begin: (prompt: KeptPrompt) => Promise<T>): Promise<T>
}

export interface Asked {
  /** The program. */
  asker: string
  messages: readonly Message[]
  /** Model reference. */
  model: string | undefined
}

/** Where a prompt ended in the history. */
interface Place {
  conversation: string
  message: string
}

/** Prompts that are remembered, by their contents. */
const mostPrompts = 10_000
/** So many answers to the same prompt are compared with what comes back, the newest ones. */
const mostReplies = 32

export function createConversationKeeper(store: Pick<Store, 'listReplies'>): ConversationKeeper {
  const places = new Map<string, Place>()

  const remember = (hash: string, place: Place) => {
    places.delete(hash)
    places.set(hash, place)
    const [oldest] = places.keys()
    if (places.size > mostPrompts && oldest !== undefined) places.delete(oldest)
  }

  return {
    async keep({ asker, messages: all, model }, begin) {
      const { system, messages } = splitSystem(all)
      const hashes = toHashes([asker, system ?? ''], messages)
      const last = hashes.at(-1) ?? ''
      const asNew = { messages, system, model }
      const known = hashes.findLastIndex((hash) => places.has(hash))
      const place = places.get(hashes[known] ?? '')
      const begun = place && (await findPath(store, place, messages.slice(known + 1)))
      const keepAt = async (prompt: KeptPrompt) => {
        const result = await begin(prompt)
        remember(last, { conversation: prompt.conversation, message: prompt.messages.at(-1)?.id ?? prompt.below ?? '' })
        return result
      }
      if (!begun) return keepAt(toPrompt(asNew))
      const rest = messages.slice(known + 1 + begun.steps)
      try {
        return await keepAt(toPrompt({ ...asNew, messages: rest }, begun))
      } catch (error) {
        if (!isLmappError(error, 'not-found')) throw error
        return keepAt(toPrompt(asNew))
      }
    },
  }
}

/** How far down the stored tree the messages behind a place lead. Undefined: it is not there any more. */
async function findPath(
  store: Pick<Store, 'listReplies'>,
  { conversation, message }: Place,
  messages: readonly Message[],
): Promise<(Place & { steps: number }) | undefined> {
  let at = message
  let steps = 0
  for (const wanted of messages) {
    const replies = await store.listReplies(at, owner.owner, mostReplies).catch(() => undefined)
    if (!replies) return undefined
    const reply = replies.find((each) => isSame(each, wanted))
    if (!reply) break
    at = reply.id
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

interface Wording {
  messages: readonly Message[]
  system: string | null
  model: string | undefined
}

/** Without a place it is a conversation of its own. */
function toPrompt({ messages, system, model }: Wording, place?: Place): KeptPrompt {
  const question = messages.find(({ role }) => role === 'user')
  const title = toTitle(question ? toVisibleText(question.content) : '') || 'Conversation'
  return {
    conversation: place?.conversation ?? createId(),
    ...(!place && { newConversation: { title, system, model: model ?? null } }),
    below: place?.message ?? null,
    system,
    messages: messages.map(({ role, content }) => ({ id: createId(), role, content, text: toVisibleText(content) })),
  }
}
