import type { ChatRequest } from '../../chat-request.ts'
import { type Message, toText } from '../../content.ts'

/** Tokens that the mock counts for an image. */
export const imageTokens = 64

/**
 * The mock's tokenizer: a token is up to 12 characters without space and the space that follows them.
 * Joined, the tokens are the text again, and no character is ever cut.
 */
export function toTokens(text: string): string[] {
  return text.match(/\S{1,12}\s*|\s+/gu) ?? []
}

/** Exactly what `usage.inputTokens` says of a chat: its texts and tools, one token for each role, and images. */
export function countPromptTokens({ messages, tools = [] }: Pick<ChatRequest, 'messages' | 'tools'>): number {
  const ofTools = tools.reduce((sum, tool) => sum + countTextTokens(JSON.stringify(tool)), 0)
  return messages.reduce((sum, message) => sum + 1 + countContent(message), ofTools)
}

function countContent(message: Message): number {
  const images = message.content.filter((item) => item.type === 'image').length
  return countTextTokens(toText(message.content)) + images * imageTokens
}

function countTextTokens(text: string): number {
  let count = 0
  for (const _ of text.matchAll(/\S{1,12}\s*|\s+/gu)) count += 1
  return count
}
