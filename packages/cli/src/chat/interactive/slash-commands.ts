import { existsSync } from 'node:fs'

export type Typed =
  | { type: 'message' }
  | { type: 'command'; name: string; operand: string }
  | { type: 'unknown'; name: string }

/** What a message is. A path is never a command. */
export function parseTyped(
  text: string,
  names: readonly string[],
  isPath: (path: string) => boolean = existsSync,
): Typed {
  const line = text.trim()
  if (line === 'exit' || line === 'quit') return { type: 'command', name: 'exit', operand: '' }
  const [, name, operand = ''] = /^\/([a-z]+)(?:[ \t]+([\s\S]*))?$/i.exec(line) ?? []
  if (name === undefined) return { type: 'message' }
  const lower = name.toLowerCase() === 'quit' ? 'exit' : name.toLowerCase()
  if (names.includes(lower)) return { type: 'command', name: lower, operand: operand.trim() }
  if (isPath(`/${name}`)) return { type: 'message' }
  return { type: 'unknown', name: lower }
}
