import { LmappError, type Role } from 'lmapp-kit'
import type { ReadContext } from './context.ts'
import { toImportedId } from './ids.ts'
import type { ImportedConversation } from './imported.ts'
import { chooseTitle, createMessage, toTextParts } from './message.ts'
import { buildTree, type TreeNode } from './tree.ts'
import { toCleanText } from './values.ts'

const commandPattern = /^(from|license|template|system|adapter|renderer|parser|parameter|message|requires)[ \t]/i
const roles: readonly string[] = ['system', 'user', 'assistant']

/** Whether a text begins as a Modelfile does, after comments and empty lines. */
export function isModelfile(text: string): boolean {
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.trimStart().startsWith('#'))
  return first !== undefined && commandPattern.test(first.trimStart())
}

/** A session that Ollama saved (`/save NAME`), as `ollama show --modelfile NAME` prints it: one conversation. */
export function readModelfile(text: string, { modified, notices }: ReadContext): ImportedConversation {
  const commands = parseModelfile(text)
  const messages = commands.filter(({ name }) => name === 'message').map(parseMessage)
  if (messages.length === 0) {
    throw new LmappError('bad-input', 'This Modelfile holds no conversation: it has no MESSAGE line.', {
      hint: 'In `ollama run` save the session first: /save NAME, then: ollama show --modelfile NAME > FILE',
    })
  }
  const model = findModel(commands, text)
  const system = findSystem(commands, messages)
  const turns = messages[0]?.role === 'system' ? messages.slice(1) : messages
  const nodes = turns.map<TreeNode>(({ role, content }, index) => ({
    key: String(index),
    parentKey: index === 0 ? null : String(index - 1),
    message: createMessage({
      role,
      parts: toTextParts(content),
      model: role === 'assistant' ? model : null,
      createdAt: modified,
    }),
  }))
  const id = toImportedId('ollama-modelfile', JSON.stringify([model, system, turns]))
  const toId = (key: string) => toImportedId('ollama-modelfile', id, key)
  const tree = buildTree(nodes, { head: null, toId, where: 'the conversation', notices })
  const title = chooseTitle(undefined, tree.messages)
  return { id, title, system, model, createdAt: modified, updatedAt: modified, ...tree }
}

interface Command {
  name: string
  value: string
  line: number
}

/** A value goes to the end of its line; one that begins with quotes goes to a line that ends with them. */
function parseModelfile(text: string): Command[] {
  const lines = (toCleanText(text) ?? '').split(/\r?\n/)
  const commands: Command[] = []
  for (let index = 0; index < lines.length; index++) {
    const [, name, rest] = /^\s*([a-z]+)[ \t]+(.*)$/i.exec(lines[index] ?? '') ?? []
    if (name === undefined || rest === undefined) continue
    const line = index + 1
    const valueStart = name.toLowerCase() === 'message' ? (/^\S+[ \t]*/.exec(rest)?.[0].length ?? 0) : 0
    const held = [rest.slice(valueStart)]
    while (isOpen(held) && index + 1 < lines.length) held.push(lines[++index] ?? '')
    if (isOpen(held)) {
      throw new LmappError('bad-input', `The quotes that begin at line ${line} of this Modelfile are never closed.`, {
        hint: 'Make it again: ollama show --modelfile NAME > FILE',
        details: { line },
      })
    }
    commands.push({ name: name.toLowerCase(), value: rest.slice(0, valueStart) + unquote(held.join('\n')), line })
  }
  return commands
}

/** Looks only at the first and the last line: a long text must not be joined anew with every line. */
function isOpen(held: readonly string[]): boolean {
  const first = held[0]?.trimStart() ?? ''
  const last = (held.at(-1) ?? '').trimEnd()
  const mark = first.startsWith('"""') ? '"""' : first.startsWith('"') ? '"' : ''
  if (mark === '') return false
  const alone = held.length === 1 && first.trimEnd().length < 2 * mark.length
  return alone || !last.endsWith(mark)
}

function unquote(value: string): string {
  const text = value.trim()
  if (text.length >= 6 && text.startsWith('"""') && text.endsWith('"""')) return text.slice(3, -3)
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}

function parseMessage({ value, line }: Command): { role: Role; content: string } {
  const [, role = '', content = ''] = /^(\S+)[ \t]*([\s\S]*)$/.exec(value) ?? []
  if (!roles.includes(role)) {
    throw new LmappError('bad-input', `Line ${line} of this Modelfile is a MESSAGE of "${role.slice(0, 40)}".`, {
      hint: `Known are: ${roles.join(', ')}`,
      details: { line },
    })
  }
  return { role: role as Role, content }
}

/** FROM is a blob's path in what `ollama show` prints; the comment above it has the name. */
function findModel(commands: readonly Command[], text: string): string | null {
  const from = commands.find(({ name }) => name === 'from')?.value ?? ''
  const commented = /^# FROM (\S+)$/m.exec(text)?.[1]
  if (/[/\\]/.test(from) && /sha256[-:]/.test(from)) return commented ?? null
  return from || commented || null
}

function findSystem(commands: readonly Command[], messages: readonly { role: Role; content: string }[]): string | null {
  const first = messages[0]?.role === 'system' ? messages[0].content : undefined
  return first ?? commands.findLast(({ name }) => name === 'system')?.value ?? null
}
