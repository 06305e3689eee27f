import { type Content, LmappError, type Message, toText } from 'lmapp-kit'

/** A message as templates know them: one role, one text. */
export interface PromptMessage {
  role: 'system' | 'user' | 'assistant'
  text: string
  /** What an assistant thought before `text`. */
  reasoning?: string
}

/** Throws `unsupported` for what a text model cannot read. */
export function toPromptMessages(messages: readonly Message[]): PromptMessage[] {
  return messages.map((message) => {
    if (message.content.some((item) => item.type === 'image')) {
      throw new LmappError('unsupported', 'The embedded backend reads no images.', {
        details: { capability: 'vision' },
      })
    }
    const reasoning = message.content.flatMap((item) => (item.type === 'reasoning' ? [item.text] : [])).join('')
    return {
      // Templates know no tool that was never offered: the result of another backend's tool is something that was said.
      role: message.role === 'tool' ? 'user' : message.role,
      text: message.content.map(toReadableText).join(''),
      ...(reasoning !== '' && { reasoning }),
    }
  })
}

function toReadableText(item: Content): string {
  if (item.type === 'tool-call') return `[${item.name}(${item.arguments})]`
  return toText([item])
}
