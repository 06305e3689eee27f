import type { ImportConversation, LmappClient } from 'lmapp-client'
import { isLmappError } from 'lmapp-kit'

export interface ImportTotals {
  /** Ids; each conversation is in one of the three. */
  imported: string[]
  extended: string[]
  present: string[]
  /** Messages that were written. */
  messages: number
}

export interface NotSent {
  what: string
  where: string
  why: string
}

export interface ImportSender {
  /** Resolves when there is room for more; with what the service did not take meanwhile. */
  send(conversation: ImportConversation): Promise<NotSent[]>
  /** Sends what waits. */
  flush(): Promise<NotSent[]>
  /** Conversations that were handed over. */
  readonly count: number
  readonly totals: ImportTotals
}

const standardBatchBytes = 4 * 1024 * 1024

interface Waiting {
  conversation: ImportConversation
  bytes: number
}

/**
 * Sends conversations in batches. One that is larger than a batch goes in pieces: each continues what is stored of it.
 * One that the service refuses is left out, and named.
 */
export function createSender(client: LmappClient, batchBytes: number = standardBatchBytes): ImportSender {
  const outcomes = new Map<string, keyof Omit<ImportTotals, 'messages'>>()
  let waiting: Waiting[] = []
  let bytes = 0
  let count = 0
  let messages = 0

  const flush = async (): Promise<NotSent[]> => {
    const batch = waiting.map(({ conversation }) => conversation)
    waiting = []
    bytes = 0
    return sendBatch(batch)
  }

  /** The service checks a batch before it writes any of it, so it can be sent again without the one that is wrong. */
  async function sendBatch(batch: readonly ImportConversation[]): Promise<NotSent[]> {
    if (batch.length === 0) return []
    try {
      const { messages: written, ...lists } = await client.importConversations({ conversations: [...batch] })
      messages += written
      for (const outcome of ['present', 'extended', 'imported'] as const) {
        for (const id of lists[outcome]) note(id, outcome)
      }
      return []
    } catch (error) {
      if (!isLmappError(error, 'bad-input')) throw error
      const wrong = batch.find(({ id }) => id === error.details?.conversation) ?? (batch.length === 1 && batch[0])
      if (!wrong) throw error
      const refused = { what: 'conversation', where: `conversation "${wrong.title}"`, why: error.message }
      return [refused, ...(await sendBatch(batch.filter(({ id }) => id !== wrong.id)))]
    }
  }

  /** What came in pieces was imported with the first, whatever the others were. */
  function note(id: string, outcome: keyof Omit<ImportTotals, 'messages'>): void {
    const before = outcomes.get(id)
    if (before === undefined || before === 'present') outcomes.set(id, outcome)
  }

  return {
    async send(conversation) {
      count += 1
      const refused: NotSent[] = []
      const size = sizeOf(conversation)
      if (bytes + size > batchBytes) refused.push(...(await flush()))
      if (size > batchBytes) {
        const notSent = await sendPieces(split(conversation, batchBytes), sendBatch)
        return [...refused, ...notSent]
      }
      waiting.push({ conversation, bytes: size })
      bytes += size
      return refused
    },
    flush,
    get count() {
      return count
    },
    get totals() {
      const listed = (outcome: string) => [...outcomes].filter(([, each]) => each === outcome).map(([id]) => id)
      return { imported: listed('imported'), extended: listed('extended'), present: listed('present'), messages }
    },
  }
}

/** Until one is refused: what comes after it may hang below it. What was sent before it stays, and that is said. */
async function sendPieces(
  pieces: Iterable<ImportConversation>,
  send: (batch: ImportConversation[]) => Promise<NotSent[]>,
): Promise<NotSent[]> {
  let taken = 0
  for (const piece of pieces) {
    const refused = await send([piece])
    if (refused.length > 0) {
      return refused.map((each) =>
        taken > 0 ? { ...each, why: `${each.why} ${taken} messages of it were taken.` } : each,
      )
    }
    taken += piece.messages.length
  }
  return []
}

/** Some messages each, in their order; only the last piece names the head. */
function* split(conversation: ImportConversation, batchBytes: number): Generator<ImportConversation> {
  let messages: ImportConversation['messages'] = []
  let bytes = 0
  for (const message of conversation.messages) {
    const size = sizeOf(message)
    if (messages.length > 0 && bytes + size > batchBytes) {
      yield { ...conversation, head: null, messages }
      messages = []
      bytes = 0
    }
    messages.push(message)
    bytes += size
  }
  yield { ...conversation, messages }
}

function sizeOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value))
}
