import type { ApiConversationSummary, ApiModel, LmappClient } from 'lmapp-client'

/** What the service has, as far as it was asked; numbered as it was shown last. */
export interface Known {
  /** From the cache where that is young: for Tab. */
  models(): Promise<readonly ApiModel[]>
  /** Asks anew, and keeps the order in which they are shown for `model`. */
  listModels(): Promise<readonly ApiModel[]>
  /** By its number in the list that was shown last; without one, in a new list. */
  model(number: number): Promise<ApiModel | undefined>
  /** For Tab: those used last. */
  conversations(): Promise<readonly ApiConversationSummary[]>
  listConversations(): Promise<readonly ApiConversationSummary[]>
  conversation(number: number): Promise<ApiConversationSummary | undefined>
}

const youngMs = 30_000
const mostConversations = 30

export function createKnown(client: () => Promise<LmappClient>, now: () => number = () => performance.now()): Known {
  let shownModels: readonly ApiModel[] | undefined
  let shownConversations: readonly ApiConversationSummary[] | undefined
  let cached: { at: number; models: Promise<readonly ApiModel[]> } | undefined

  async function fetchModels(): Promise<readonly ApiModel[]> {
    return (await client()).listModels()
  }

  /** A list that is old is still better than waiting: the new one is there at the next Tab. */
  function models(): Promise<readonly ApiModel[]> {
    if (cached && now() - cached.at < youngMs) return cached.models
    const fresh = fetchModels()
    const before = cached?.models
    cached = { at: now(), models: fresh }
    fresh.catch(() => {
      cached = undefined
    })
    return before ?? fresh
  }

  async function listModels(): Promise<readonly ApiModel[]> {
    const list = await fetchModels()
    cached = { at: now(), models: Promise.resolve(list) }
    shownModels = list
    return list
  }

  async function conversations(): Promise<readonly ApiConversationSummary[]> {
    return (await client()).listConversations({ limit: mostConversations })
  }

  async function listConversations(): Promise<readonly ApiConversationSummary[]> {
    shownConversations = await conversations()
    return shownConversations
  }

  return {
    models,
    listModels,
    conversations,
    listConversations,
    model: async (number) => (shownModels ?? (await listModels()))[number - 1],
    conversation: async (number) => (shownConversations ?? (await listConversations()))[number - 1],
  }
}
