import type { ConversationFilter, ConversationSummary } from './store.ts'
import type { StoreCalls, StoreMethod } from './store-protocol.ts'

/** What changes no list. */
const harmless: ReadonlySet<StoreMethod> = new Set<StoreMethod>([
  'appendEvents',
  'recordAttempt',
  'getConversation',
  'listReplies',
  'findConversation',
  'checkImport',
  'settle',
  'listPrunable',
  'scrubSome',
  'vacuum',
  'search',
  'lastConversation',
  'noteTerminal',
  'getRunSnapshot',
  'getFact',
  'setFact',
  'addKey',
  'listKeys',
  'revokeKey',
  'noteKeyUse',
])

export interface ListMemo extends StoreCalls {
  list(filter: ConversationFilter): Promise<ConversationSummary[]>
}

/** Keeps the last list until something is written that may change one: a list of thousands costs more to bring than to make. */
export function createListMemo(calls: StoreCalls): ListMemo {
  let known: { key: string; list: ConversationSummary[] } | undefined
  let changes = 0
  return {
    call(method, ...args) {
      if (!harmless.has(method)) {
        known = undefined
        changes += 1
      }
      return calls.call(method, ...args)
    },
    async list(filter) {
      const key = JSON.stringify([filter.owner, filter.limit, filter.before, filter.tag, filter.pinned])
      if (known?.key === key) return [...known.list]
      const asked = changes
      const list = await calls.call('listConversations', filter)
      if (asked === changes) known = { key, list }
      return [...list]
    },
  }
}
