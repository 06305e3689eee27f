import { wrap } from '../output/table.ts'
import type { CommandSpec, OptionSpec } from './command-spec.ts'
import { chatCommand } from './commands/chat.ts'
import { globalOptions } from './commands/shared-options.ts'
import { commands } from './commands.ts'

const lineWidth = 80

const exitCodes: readonly (readonly [string, string])[] = [
  ['0', 'the answer is complete'],
  ['1', 'a bug'],
  ['2', 'wrong usage, or bad input'],
  ['3', 'no backend can serve this'],
  ['4', 'no such model'],
  ['5', 'the backend did not start, or the model did not load'],
  ['6', 'the prompt does not fit the context'],
  ['7', 'the answer is incomplete; what arrived is kept'],
  ['8', 'no progress for too long'],
  ['9', 'not allowed'],
  ['10', 'the answer was cut by the length limit'],
  ['11', 'disk, store, service, port or download'],
  ['12', 'busy: try again later'],
  ['129', 'the terminal closed; the service finishes the answer'],
  ['130', 'stopped by Ctrl-C; 143 by SIGTERM'],
]

/** For `lmapp --help`. */
export function mainHelp(): string {
  return [
    'lmapp: one app over every engine that runs language models on your own machine.',
    '',
    'Usage: lmapp [PROMPT…]       one answer, when there is a prompt or piped text',
    '       lmapp                 the interactive chat',
    '       lmapp COMMAND --help  what a command takes',
    '',
    'Commands:',
    ...twoColumns(commands.map(({ name, summary }) => [name, summary])),
    '',
    'Options of chat, which is the default command:',
    ...optionLines(chatCommand.options),
    '',
    'Options of every command:',
    ...optionLines(globalOptions),
    '',
    'Exit codes:',
    ...twoColumns(exitCodes),
    '',
  ].join('\n')
}

/** For `lmapp COMMAND --help`. */
export function commandHelp(command: CommandSpec): string {
  const options = command.options.filter((option) => !option.later)
  const subcommands = command.subcommands ?? []
  const usage = subcommands.length > 0 ? [command.name, 'COMMAND'] : [command.name, ...command.operands]
  return [
    `Usage: lmapp ${usage.join(' ')}${options.length > 0 ? ' [OPTIONS]' : ''}`,
    '',
    ...wrap(`${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`, lineWidth),
    ...section('Commands:', twoColumns(subcommands.map((each) => [usageOf(each), each.summary]))),
    ...section('Options:', optionLines(options)),
    '',
  ].join('\n')
}

function usageOf(command: CommandSpec): string {
  return [command.name.split(' ').at(-1), ...command.operands].join(' ')
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length > 0 ? ['', title, ...lines] : []
}

function optionLines(options: readonly OptionSpec[]): string[] {
  return twoColumns(
    options
      .filter((option) => !option.later)
      .map(({ name, short, value, help, repeatable }) => [
        `${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`,
        repeatable ? `${help} (repeatable)` : help,
      ]),
  )
}

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length))
  return rows.flatMap(([left, right]) =>
    wrap(right, lineWidth - width - 4).map((line, index) => `  ${(index === 0 ? left : '').padEnd(width)}  ${line}`),
  )
}
