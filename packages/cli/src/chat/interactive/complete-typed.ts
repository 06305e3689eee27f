import type { Completing, SlashCommand } from './chat.ts'
import type { Candidates } from './editor/index.ts'

/** For Tab: the name of a command, or what stands behind it. */
export async function completeTyped(
  commands: readonly SlashCommand[],
  chat: Completing,
  { text, cursor }: { text: string; cursor: number },
): Promise<Candidates> {
  const line = text.slice(0, cursor)
  const begun = /^\s*\/([a-z]*)$/.exec(line)
  if (begun) return completeName(commands, begun[1] ?? '', line)
  const [whole, name, typed = ''] = /^\s*\/([a-z]+)[ \t]+([^\n]*)$/.exec(line) ?? []
  const command = commands.find((each) => each.name === name)
  if (whole === undefined || !command?.complete) return { from: cursor, candidates: [] }
  const { candidates, from = 0 } = await command.complete(chat, typed)
  return { from: cursor - typed.length + from, candidates }
}

function completeName(commands: readonly SlashCommand[], begin: string, line: string): Candidates {
  const fitting = commands.filter(({ name }) => name.startsWith(begin))
  const candidates = fitting.map(({ name, operand, help }) => ({
    insert: `/${name}${operand ? ' ' : ''}`,
    label: `/${name}`,
    hint: help,
  }))
  return { from: line.length - begin.length - 1, candidates }
}
