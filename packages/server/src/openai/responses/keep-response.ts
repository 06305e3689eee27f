import type { Run } from '@lmapp/core/runs'
import { toMessages } from './conversation.ts'
import type { Draft } from './draft.ts'
import { toItemId } from './items.ts'
import { toItems } from './output.ts'
import type { ReadConversation } from './read-conversation.ts'
import type { Echo } from './request.ts'
import type { ResponseStore, StoredResponse } from './response-store.ts'
import { sizeOf } from './size-of.ts'

export interface KeepOptions {
  draft: Draft
  conversation: ReadConversation
  echo: Echo
  owner: string
  run: Run
}

/** From now on it can be found, and when it has ended it can be gone on with. */
export function keepResponse(store: ResponseStore, options: KeepOptions): void {
  const { draft, conversation, echo, owner, run } = options
  const { key } = draft
  const stored: StoredResponse = {
    key,
    owner,
    draft,
    background: echo.background,
    input: conversation.input.map(({ item, wire }, index) => {
      return { item, wire: { ...wire, id: wire.id ?? toItemId(wire.type, { key, from: 'input', index }) } }
    }),
    cancel: () => run.cancel(),
  }
  store.add(stored)
  draft.onEnd(() => {
    const messages = [...conversation.added, ...toMessages(toItems(draft.steps), [])]
    const turn = { before: conversation.before, messages, bytes: sizeOf(messages) }
    store.settle(stored, turn, sizeOf(draft.steps) + sizeOf(echo) + stored.input.length * bytesOfInputItem)
  })
}

/** Its strings are those of the conversation. */
const bytesOfInputItem = 512
