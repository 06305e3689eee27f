import { measureText } from '@lmapp/backends/text-measure'
import type { ApiMessage } from 'lmapp-client'
import { type Content, type Role, toText } from 'lmapp-kit'
import { cutAtWords } from './cut-at-words.ts'

/** What somebody said, or what is left of it. */
export interface Said {
  who: string
  text: string
}

/** What a model can read of it as text; thoughts and what is empty are left out. */
export function toSaid(messages: readonly Pick<ApiMessage, 'role' | 'parts'>[]): Said[] {
  return messages
    .map(({ role, parts }) => ({ who: speakers[role], text: toReadableText(parts).trim() }))
    .filter(({ text }) => text !== '')
}

const speakers: Record<Role, string> = { user: 'User', assistant: 'Assistant', system: 'System', tool: 'Tool' }
const goesOn = ' (continued)'

function toReadableText(parts: readonly Content[]): string {
  return parts
    .map((part) => {
      if (part.type === 'image') return '[an image]\n'
      if (part.type === 'tool-call') return `[a call of ${part.name}(${part.arguments})]\n`
      return toText([part])
    })
    .join('')
}

/**
 * As much from the front as surely has at most so many tokens. A message is cut only where nothing else is in the
 * piece, or where leaving it whole would leave half of the piece empty. No character has less than half a token, so
 * what is far too long is not read to its end.
 */
export function takePiece(said: readonly Said[], tokens: number): { piece: string; rest: Said[] } {
  const lines: string[] = []
  let left = tokens
  for (const [index, { who, text }] of said.entries()) {
    const line = `${who}: ${text}\n\n`
    const needed = line.length / 2 > left ? Number.POSITIVE_INFINITY : measureText(line).most
    if (needed > left) {
      const rest = said.slice(index)
      if (lines.length > 0 && left < tokens / 2) return { piece: toPiece(lines), rest }
      const [beginning, end] = cutAtWords(text, left - measureText(`${who}: \n\n`).most)
      const after = { who: who.endsWith(goesOn) ? who : `${who}${goesOn}`, text: end.trimStart() }
      return {
        piece: toPiece([...lines, `${who}: ${beginning}`]),
        rest: [...(after.text === '' ? [] : [after]), ...rest.slice(1)],
      }
    }
    lines.push(line)
    left -= needed
  }
  return { piece: toPiece(lines), rest: [] }
}

function toPiece(lines: readonly string[]): string {
  return lines.join('').trimEnd()
}
