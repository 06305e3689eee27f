import type { ApiConversation } from 'lmapp-client'

/** Raised when a reader of the older version would misunderstand the newer one. */
export const exportVersion = 1

export interface ConversationExport {
  format: 'lmapp-conversations'
  version: typeof exportVersion
  conversations: ApiConversation[]
}

/** Everything that is stored of the conversations, in a form that can be read back. */
export function toJsonExport(conversations: ApiConversation[]): string {
  const value: ConversationExport = { format: 'lmapp-conversations', version: exportVersion, conversations }
  return `${JSON.stringify(value, null, 2)}\n`
}
