import { type Content, type Message, type ToolDefinition, toText } from 'lmapp-kit'

/** English has four bytes a token and more, code and German three, a character of Chinese or Japanese is three. */
const bytesPerToken = 3
/** What a template puts around a message. */
const tokensAroundMessage = 8
/** Engines take from a few hundred to two thousand. */
const tokensOfImage = 1024

/** The tokens of a prompt that nobody can count: rather some too many, so that who plans by them does not overflow. */
export function estimateTokens(messages: readonly Message[], tools: readonly ToolDefinition[] = []): number {
  const around = (messages.length + tools.length) * tokensAroundMessage
  const contents = messages.flatMap(({ content }) => content)
  const images = contents.filter(({ type }) => type === 'image').length
  const texts = [...contents.map(toCountedText), ...tools.map((tool) => JSON.stringify(tool))]
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  return around + images * tokensOfImage + Math.ceil(bytes / bytesPerToken)
}

function toCountedText(item: Content): string {
  if (item.type === 'tool-call') return item.name + item.arguments
  return item.type === 'reasoning' ? item.text : toText([item])
}
