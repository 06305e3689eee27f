import { existsSync } from 'node:fs'
import { nearest } from '../../arguments/nearest.ts'

export interface SlashCommand {
  name: string
  operand?: string
  help: string
}

export const slashCommands: readonly SlashCommand[] = [
  { name: 'help', help: 'what can be typed here' },
  { name: 'model', operand: '[REF]', help: 'which model answers, or another one from now on' },
  { name: 'system', operand: '[TEXT|off]', help: 'the system prompt, or another one from now on' },
  { name: 'retry', help: 'another answer to the last question; the old one stays in the history' },
  { name: 'continue', help: 'goes on with an answer that was cut' },
  { name: 'history', help: 'what was said in this conversation' },
  { name: 'clear', help: 'begins a new conversation' },
  { name: 'exit', help: 'leaves; so do exit, quit and Ctrl-D' },
]

/** Named in the promise, built in a later version. */
const later = ['persona', 'edit', 'export', 'stats']

export type Typed =
  | { type: 'message' }
  | { type: 'command'; name: string; operand: string }
  | { type: 'unknown'; name: string; nearest: string | undefined; later: boolean }

/** What a message is. A path is never a command. */
export function parseTyped(text: string, isPath: (path: string) => boolean = existsSync): Typed {
  const line = text.trim()
  if (line === 'exit' || line === 'quit') return { type: 'command', name: 'exit', operand: '' }
  const [, name, operand = ''] = /^\/([a-z]+)(?:[ \t]+([\s\S]*))?$/i.exec(line) ?? []
  if (name === undefined) return { type: 'message' }
  const lower = name.toLowerCase() === 'quit' ? 'exit' : name.toLowerCase()
  const known = slashCommands.map((command) => command.name)
  if (known.includes(lower)) return { type: 'command', name: lower, operand: operand.trim() }
  if (isPath(`/${name}`)) return { type: 'message' }
  return { type: 'unknown', name: lower, nearest: nearest(lower, known), later: later.includes(lower) }
}

/** For Tab. */
export function completeCommand(line: string): string[] {
  if (!/^\/[a-z]*$/.test(line)) return []
  return slashCommands
    .filter(({ name }) => name.startsWith(line.slice(1)))
    .map(({ name, operand }) => `/${name}${operand ? ' ' : ''}`)
}
