import type {
  ApiConversation,
  ApiConversationSummary,
  ApiMessage,
  ApiSearchHit,
  ImportedConversations,
  PrunedConversations,
  VacuumedHistory,
} from 'lmapp-client'
import { content, errorData, finishReason, storedTimings, usage } from './parts.ts'
import { closed, count, described, flag, listOf, orNull, text, time, words } from './shape.ts'

const summaryFields = {
  id: text,
  title: text,
  model: described('`backend/model` of the last answer, or what was asked for.', orNull(text)),
  head: described('The last message of the path that is shown.', orNull(text)),
  createdAt: time,
  updatedAt: time,
  messageCount: described('Of the path from root to head.', count),
  pinned: flag,
  tags: listOf(text),
}
export const conversationSummarySchema = closed<ApiConversationSummary>(summaryFields, {})

const message = closed<ApiMessage>(
  {
    id: text,
    parentId: orNull(text),
    role: words('system', 'user', 'assistant', 'tool'),
    text,
    parts: listOf(content),
    state: words('running', 'complete', 'length', 'stopped', 'incomplete', 'failed', 'crashed'),
    model: orNull(text),
    reason: orNull(finishReason),
    error: orNull(errorData),
    usage: orNull(usage),
    timings: orNull(storedTimings),
    createdAt: time,
  },
  {},
)

export const conversationSchema = closed<ApiConversation>(
  {
    ...summaryFields,
    system: orNull(text),
    messages: described('From root to head; with `branches` the whole tree, parents first.', listOf(message)),
  },
  {},
)

export const searchHitSchema = closed<ApiSearchHit>(
  {
    conversationId: text,
    messageId: text,
    title: text,
    snippet: described('The hit stands between U+0002 and U+0003.', text),
    createdAt: time,
  },
  {},
)

const ids = listOf(text)
export const importedSchema = closed<ImportedConversations>(
  {
    imported: described('Ids of those that are new.', ids),
    extended: described('Ids of those that got messages they lacked.', ids),
    present: described('Ids of those that were there with all of it.', ids),
    messages: count,
  },
  {},
)

export const prunedSchema = closed<PrunedConversations>({ conversations: listOf(conversationSummarySchema) }, {})

export const vacuumedSchema = closed<VacuumedHistory>(
  {
    freedBytes: count,
    sizeBytes: described('Of the whole history afterwards.', count),
    damaged: described('Damaged histories that were set aside.', listOf(text)),
  },
  {},
)
