import type { ApiConversation, ApiMessage } from 'lmapp-client'
import { formatTime } from '../output/format.ts'
import { toTerminalText } from '../output/sanitize.ts'
import type { Style } from '../output/style.ts'

/** A conversation as a person reads it. `clean`: for a terminal. */
export function toConversationText(conversation: ApiConversation, style: Style, clean: boolean): string {
  const safe = clean ? toTerminalText : (text: string) => text
  const facts = [conversation.id, formatTime(conversation.createdAt)].join(' · ')
  const system = conversation.system ? [`${style('bold', 'system:')}\n${safe(conversation.system)}\n`] : []
  const messages = conversation.messages.map((message) => {
    const text = safe(message.text).trimEnd()
    return `${style('bold', `${speaker(message)}:`)}\n${[text, mark(message)].filter(Boolean).join('\n')}\n`
  })
  return [`${style('bold', safe(conversation.title))}\n${style('dim', facts)}\n`, ...system, ...messages].join('\n')
}

export function speaker({ role, model }: Pick<ApiMessage, 'role' | 'model'>): string {
  if (role === 'user') return 'you'
  return role === 'assistant' ? (model ?? 'assistant') : role
}

/** What is said of an answer that is not whole. */
function mark({ state, id, error }: ApiMessage): string {
  if (state === 'complete') return ''
  if (state === 'running') return `[still being written: lmapp continue ${id}]`
  return `[${state}${error ? `: ${error.message}` : ''} Go on with it: lmapp continue ${id}]`
}
