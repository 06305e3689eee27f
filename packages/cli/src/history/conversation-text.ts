import type { ApiConversation, ApiMessage } from 'lmapp-client'
import { formatBytes, formatTime } from '../output/format.ts'
import { toTerminalText } from '../output/sanitize.ts'
import type { Style } from '../output/style.ts'

/** A conversation as a person reads it. `clean`: for a terminal. */
export function toConversationText(conversation: ApiConversation, style: Style, clean: boolean): string {
  const safe = clean ? toTerminalText : (text: string) => text
  const { id, createdAt, pinned, tags } = conversation
  const marks = [...(pinned ? ['pinned'] : []), ...(tags.length > 0 ? [safe(tags.join(', '))] : [])]
  const facts = [id, formatTime(createdAt), ...marks].join(' · ')
  const system = conversation.system ? [`${style('bold', 'system:')}\n${safe(conversation.system)}\n`] : []
  const messages = conversation.messages.map((message) => {
    const text = safe(message.text).trimEnd()
    const lines = [...toImageLines(message).map(safe), text, mark(message)]
    return `${style('bold', `${speaker(message)}:`)}\n${lines.filter(Boolean).join('\n')}\n`
  })
  return [`${style('bold', safe(conversation.title))}\n${style('dim', facts)}\n`, ...system, ...messages].join('\n')
}

export function speaker({ role, model }: Pick<ApiMessage, 'role' | 'model'>): string {
  if (role === 'user') return 'you'
  return role === 'assistant' ? (model ?? 'assistant') : role
}

/** Images cannot be shown here. One that the history has lost is a file that says so. */
function toImageLines({ parts }: ApiMessage): string[] {
  return parts.flatMap((part) => {
    if (part.type === 'image') {
      return [`[image: ${part.mediaType}, ${formatBytes(Buffer.byteLength(part.data, 'base64'))}]`]
    }
    return part.type === 'file' && part.mediaType.startsWith('image/') ? [`[${part.text}]`] : []
  })
}

const endings: Readonly<Record<Exclude<ApiMessage['state'], 'complete' | 'running'>, string>> = {
  length: 'cut by the length limit',
  stopped: 'stopped',
  incomplete: 'incomplete',
  failed: 'failed',
  crashed: 'broken off by the end of its service',
}

/** What is said of an answer that is not whole. */
function mark({ state, id, error }: ApiMessage): string {
  if (state === 'complete') return ''
  if (state === 'running') return `[still being written: lmapp continue ${id}]`
  return `[${endings[state]}${error ? `: ${error.message}` : '.'} Go on with it: lmapp continue ${id}]`
}
