import { LmappError, type Message } from 'lmapp-kit'
import { badField } from '../../parse/fields.ts'
import { joinTurns, type Turn, toConversation, toMessages } from './conversation.ts'
import type { InputItem } from './input.ts'
import { type NamedItem, parseItemId } from './items.ts'
import { toItems } from './output.ts'
import { getResponse, type ResponseStore, type StoredResponse } from './response-store.ts'

/** All that a model is to read for a request. */
export interface ReadConversation {
  before: Turn | undefined
  /** What the request itself adds. */
  added: Message[]
  /** The same as items. */
  input: NamedItem[]
  /** The whole prompt. */
  messages: Message[]
}

export interface Asked {
  items: readonly InputItem[]
  instructions: string | null
  previous: string | null
}

/** Throws `not-found` for what is not stored, or not for this owner. */
export function readConversation(asked: Asked, store: ResponseStore, owner: string): ReadConversation {
  const before = findTurn(asked.previous, store, owner)
  const earlier = toConversation(before)
  const read = asked.items.map((item) => ('reference' in item ? findItem(item, store, owner) : item))
  const items = read.map(({ item }) => item)
  const added = toMessages(items, earlier)
  if (added.length === 0) throw badField('input', 'a list with at least one item that is read here')
  const { instructions } = asked
  const system: Message[] = instructions ? [{ role: 'system', content: [{ type: 'text', text: instructions }] }] : []
  return {
    before,
    added,
    input: read,
    messages: joinTurns([...system, ...earlier, ...added]),
  }
}

function findTurn(id: string | null, store: ResponseStore, owner: string): Turn | undefined {
  if (id === null) return undefined
  const found = getResponse(store, id, owner, 'previous_response_id')
  if (found.turn) return found.turn
  throw badField('previous_response_id', 'the id of a response that has ended')
}

function findItem(
  { reference, place }: Extract<InputItem, { reference: string }>,
  store: ResponseStore,
  owner: string,
): NamedItem {
  const named = parseItemId(reference)
  const stored = named && store.find(named.key, owner)
  const found = stored && (named.from === 'input' ? stored.input[named.index] : findOutput(stored, named.index))
  if (found) return found
  throw new LmappError('not-found', `Item with id '${reference.slice(0, 80)}' not found.`, {
    hint: 'Give the item itself',
    details: { field: place },
  })
}

/** Of what is still being written no part is known. */
function findOutput({ draft }: StoredResponse, index: number): NamedItem | undefined {
  if (!draft.ending) return undefined
  const item = toItems(draft.steps)[index]
  const wire = draft.response().output[index]
  return item && wire && { item, wire: { ...wire } }
}
