import { LmappError } from 'lmapp-kit'
import type { Turn } from './conversation.ts'
import type { Draft } from './draft.ts'
import type { NamedItem } from './items.ts'

/** A response that can be retrieved and gone on with. */
export interface StoredResponse {
  /** 32 hexadecimal digits; `resp_` and these are its id. */
  readonly key: string
  readonly owner: string
  readonly draft: Draft
  readonly background: boolean
  /** What it answers, without what was before. */
  readonly input: readonly NamedItem[]
  /** Stops it; absent when it has ended. */
  cancel?: () => Promise<unknown>
  /** The conversation with it; absent until it has ended. */
  turn?: Turn
}

/** Responses of one service, as long as it lives and as far as there is room. An owner sees only its own. */
export interface ResponseStore {
  add(response: StoredResponse): void
  /** To be called once when it has ended: from then on it counts, and may have to go. `bytes`: besides those of its turn. */
  settle(response: StoredResponse, turn: Turn, bytes: number): void
  find(key: string, owner: string): StoredResponse | undefined
  remove(response: StoredResponse): void
  readonly size: number
  readonly bytes: number
}

export interface ResponseStoreOptions {
  mostResponses?: number
  mostBytes?: number
}

interface Ledger {
  responses: Map<string, StoredResponse>
  bytes: number
}

/** Responses keep conversations alive that others share: bytes of a turn are counted while anything holds it. */
export function createResponseStore(options: ResponseStoreOptions = {}): ResponseStore {
  const { mostResponses = 1_000, mostBytes = 64 * 1024 * 1024 } = options
  const ledgers = new Map<string, Ledger>()
  const holders = new Map<Turn, number>()
  const settled = new Map<StoredResponse, number>()
  let size = 0
  let bytes = 0

  function count(ledger: Ledger, change: number): void {
    ledger.bytes += change
    bytes += change
  }

  function hold(turn: Turn, ledger: Ledger): void {
    for (let at: Turn | undefined = turn; at; at = at.before) {
      const held = holders.get(at) ?? 0
      holders.set(at, held + 1)
      if (held > 0) return
      count(ledger, at.bytes)
    }
  }

  function release(turn: Turn, ledger: Ledger): void {
    for (let at: Turn | undefined = turn; at; at = at.before) {
      const held = (holders.get(at) ?? 1) - 1
      if (held > 0) {
        holders.set(at, held)
        return
      }
      holders.delete(at)
      count(ledger, -at.bytes)
    }
  }

  function remove(response: StoredResponse): void {
    const ledger = ledgers.get(response.owner)
    if (!ledger?.responses.delete(response.key)) return
    size -= 1
    const own = settled.get(response)
    if (own !== undefined && response.turn) {
      settled.delete(response)
      count(ledger, -own)
      release(response.turn, ledger)
    }
    if (ledger.responses.size === 0) ledgers.delete(response.owner)
  }

  /** Who has most gives first, the oldest that has ended. */
  function makeRoom(): void {
    for (;;) {
      const share = bytes > mostBytes ? bytesOf : size > mostResponses ? sizeOfLedger : undefined
      if (!share) return
      const byShare = [...ledgers.values()].sort((left, right) => share(right) - share(left))
      const oldest = byShare.map(({ responses }) => findOldest(responses, settled)).find((found) => found)
      if (!oldest) return
      remove(oldest)
    }
  }

  return {
    add(response) {
      const ledger = ledgers.get(response.owner) ?? { responses: new Map(), bytes: 0 }
      ledgers.set(response.owner, ledger)
      ledger.responses.set(response.key, response)
      size += 1
      makeRoom()
    },
    settle(response, turn, own) {
      const ledger = ledgers.get(response.owner)
      response.turn = turn
      delete response.cancel
      if (ledger?.responses.get(response.key) !== response) return
      settled.set(response, own)
      count(ledger, own)
      hold(turn, ledger)
      makeRoom()
    },
    find: (key, owner) => ledgers.get(owner)?.responses.get(key),
    remove,
    get size() {
      return size
    },
    get bytes() {
      return bytes
    },
  }
}

const bytesOf = (ledger: Ledger) => ledger.bytes
const sizeOfLedger = (ledger: Ledger) => ledger.responses.size

function findOldest(
  responses: ReadonlyMap<string, StoredResponse>,
  settled: ReadonlyMap<StoredResponse, number>,
): StoredResponse | undefined {
  for (const response of responses.values()) if (settled.has(response)) return response
  return undefined
}

const prefix = 'resp_'

export function toResponseId(key: string): string {
  return prefix + key
}

/** Throws `not-found` that names the field. What is another owner's is as good as nothing. */
export function getResponse(store: ResponseStore, id: string, owner: string, field: string): StoredResponse {
  const found = id.startsWith(prefix) ? store.find(id.slice(prefix.length), owner) : undefined
  if (found) return found
  throw new LmappError('not-found', `Response with id '${id.slice(0, 80)}' not found.`, {
    hint: 'Responses are kept in memory, the newest of them, unless "store" is false; send the whole conversation instead',
    details: { field },
  })
}
