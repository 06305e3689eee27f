import type { Content, RunEvent } from 'lmapp-kit'
import type { StoredPart } from './attached-parts.ts'

/** The events that become part of a message, as its parts; neighbours joined. */
export function foldEvents(events: readonly RunEvent[]): Content[] {
  return joinParts(events.flatMap(toPart))
}

/** `more` after `parts`: where text meets text, or reasoning reasoning, they become one. */
export function joinParts<P extends StoredPart>(parts: readonly P[], more: readonly Content[] = []): (P | Content)[] {
  const joined: (P | Content)[] = []
  let texts: string[] = []
  let open: 'text' | 'reasoning' | undefined
  const close = () => {
    if (open) joined.push({ type: open, text: texts.join('') })
    open = undefined
    texts = []
  }
  for (const part of [...parts, ...more]) {
    if (part.type !== open) close()
    if (part.type === 'text' || part.type === 'reasoning') {
      open = part.type
      texts.push(part.text)
    } else joined.push(part)
  }
  close()
  return joined
}

function toPart(event: RunEvent): Content[] {
  if (event.type === 'text-delta') return [{ type: 'text', text: event.text }]
  if (event.type === 'reasoning-delta') return [{ type: 'reasoning', text: event.text }]
  if (event.type !== 'tool-call') return []
  return [{ type: 'tool-call', id: event.id, name: event.name, arguments: event.arguments }]
}
