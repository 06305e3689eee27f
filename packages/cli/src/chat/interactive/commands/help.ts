import { LmappError } from 'lmapp-kit'
import { nearest } from '../../../arguments/nearest.ts'
import { toFields } from '../../../output/table.ts'
import type { SlashCommand } from '../chat.ts'

const keys = [
  ['Tab', 'completes commands, models, files, settings'],
  ['Ctrl-J, Shift-Enter', 'another line; """ begins and ends several'],
  ['Up, Ctrl-R', 'what was typed before; search in it'],
  ['Ctrl-G', 'opens $EDITOR'],
  ['Esc, Ctrl-C', 'stop an answer; what arrived is kept'],
] as const

/** Knows all the others. */
export function createHelpCommand(commands: () => readonly SlashCommand[]): SlashCommand {
  return {
    name: 'help',
    operand: '[COMMAND]',
    help: 'what can be typed here',
    async run({ context: { stdout } }, operand) {
      const wanted = operand.replace(/^\//, '').toLowerCase()
      const chosen = wanted === '' ? commands() : commands().filter(({ name }) => name === wanted)
      if (chosen.length === 0) throw toUnknown(wanted, commands())
      await stdout.write(toFields([...chosen.map(toField), ...(wanted === '' ? keys : [])], stdout.columns))
      return undefined
    },
    async complete(_chat, typed) {
      const fitting = commands().filter(({ name }) => name.startsWith(typed))
      return { candidates: fitting.map(({ name, help }) => ({ insert: name, hint: help })) }
    },
  }
}

export function toUnknown(name: string, commands: readonly SlashCommand[]): LmappError {
  const meant = nearest(
    name,
    commands.map((command) => command.name),
  )
  return new LmappError('bad-input', `There is no command /${name}.`, {
    hint: meant ? `Did you mean /${meant}?` : 'See: /help',
  })
}

function toField({ name, operand = '', help }: SlashCommand): [string, string] {
  return [`/${name} ${operand}`.trim(), help]
}
