import { parseArgs } from 'node:util'
import { LmappError } from 'lmapp-kit'
import type { CommandSpec, OptionSpec } from './command-spec.ts'
import { chatCommand } from './commands/chat.ts'
import { globalOptions } from './commands/shared-options.ts'
import { commands } from './commands.ts'
import { nearest } from './nearest.ts'

/** What was typed, checked against the table of the command. */
export interface Arguments {
  readonly operands: readonly string[]
  has(option: string): boolean
  /** The last one given. */
  value(option: string): string | undefined
  values(option: string): readonly string[]
}

export interface ParsedCommandLine {
  command: CommandSpec
  /** Whether a word named the command; otherwise it is `chat` because nothing else was said. */
  named: boolean
  args: Arguments
}

type Token = ReturnType<typeof tokenize>[number]

/** Throws `bad-input` with the nearest known word, or `not-supported-yet`. */
export function parseCommandLine(argv: readonly string[]): ParsedCommandLine {
  const { command, named, rest } = findCommand(argv)
  return { command, named, args: parseArguments(command, rest) }
}

function findCommand(argv: readonly string[]): { command: CommandSpec; named: boolean; rest: readonly string[] } {
  const word = firstWord(argv, chatCommand)
  const command = word && commands.find((candidate) => candidate.name === word.value)
  if (!command) return { command: chatCommand, named: false, rest: argv }
  const rest = argv.toSpliced(word.index, 1)
  if (!command.subcommands) return { command, named: true, rest }
  return findSubcommand(command, command.subcommands, rest)
}

function findSubcommand(group: CommandSpec, subcommands: readonly CommandSpec[], rest: readonly string[]) {
  const options = subcommands.flatMap((candidate) => candidate.options)
  const verb = firstWord(rest, { ...group, options })
  const names = subcommands.map((candidate) => candidate.name.slice(group.name.length + 1))
  if (!verb) {
    if (rest.some(asksForHelp)) return { command: group, named: true, rest }
    throw new LmappError('bad-input', `lmapp ${group.name} needs one of: ${names.join(', ')}.`, {
      hint: `See: lmapp ${group.name} --help`,
    })
  }
  const command = subcommands[names.indexOf(verb.value)]
  if (command) return { command, named: true, rest: rest.toSpliced(verb.index, 1) }
  const meant = nearest(verb.value, names)
  throw new LmappError('bad-input', `lmapp ${group.name} has no command "${verb.value}".`, {
    hint: meant
      ? `Did you mean: lmapp ${group.name} ${meant}`
      : `There are: ${names.join(', ')}. To ask it as a question: lmapp chat ${group.name} ${verb.value} …`,
  })
}

function asksForHelp(word: string): boolean {
  return ['--help', '-h', '--version', '-V'].includes(word)
}

/** The first word that is neither an option nor the value of one; what follows `--` is no command. */
function firstWord(argv: readonly string[], command: CommandSpec): { value: string; index: number } | undefined {
  for (const token of tokenize(argv, knownOptions(command))) {
    if (token.kind === 'option-terminator') return undefined
    if (token.kind === 'positional') return { value: token.value, index: token.index }
  }
  return undefined
}

function parseArguments(command: CommandSpec, argv: readonly string[]): Arguments {
  const options = knownOptions(command)
  const values = new Map<string, string[]>()
  const operands: string[] = []
  for (const token of tokenize(argv, options)) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const option = options.find((candidate) => candidate.name === token.name)
    if (!option) throw unknownOption(command, token.rawName, options)
    const given = values.get(option.name) ?? []
    values.set(option.name, [...given, checkedValue(command, option, token, options)])
  }
  const args: Arguments = {
    operands,
    has: (option) => values.has(option),
    value: (option) => values.get(option)?.at(-1),
    values: (option) => values.get(option) ?? [],
  }
  if (!args.has('help') && !args.has('version')) checkAvailability(command, args, operands)
  return args
}

function checkAvailability(command: CommandSpec, args: Arguments, operands: readonly string[]): void {
  const later = command.options.find((option) => option.later && args.has(option.name))
  if (later) throw notYet(`--${later.name}`)
  if (!command.load) throw notYet(`lmapp ${command.name}`)
  checkOperands(command, operands)
}

function notYet(what: string): LmappError {
  return new LmappError('not-supported-yet', `${what} comes in a later version of lmapp.`)
}

function checkOperands(command: CommandSpec, operands: readonly string[]): void {
  const required = command.operands.filter((operand) => !operand.startsWith('['))
  const endless = command.operands.some((operand) => operand.includes('…'))
  const missing = required[operands.length]
  const usage = `Usage: lmapp ${[command.name, ...command.operands].join(' ')}`
  if (missing !== undefined) {
    throw new LmappError('bad-input', `lmapp ${command.name} needs ${missing.replace('…', '')}.`, { hint: usage })
  }
  const extra = operands[command.operands.length]
  if (!endless && extra !== undefined) {
    throw new LmappError('bad-input', `lmapp ${command.name} does not take "${extra}".`, { hint: usage })
  }
}

function checkedValue(
  command: CommandSpec,
  option: OptionSpec,
  token: Extract<Token, { kind: 'option' }>,
  options: readonly OptionSpec[],
): string {
  if (option.value === undefined) {
    if (token.value === undefined) return ''
    throw new LmappError('bad-input', `${token.rawName} takes no value.`, { hint: help(command) })
  }
  const isOption = options.some(({ name, short }) => token.value === `--${name}` || token.value === `-${short}`)
  if (token.value === undefined || (isOption && !token.inlineValue)) {
    throw new LmappError('bad-input', `${token.rawName} needs a value: ${token.rawName} ${option.value}`, {
      hint: isOption ? `If the value begins with a dash: --${option.name}=${token.value}` : help(command),
    })
  }
  return token.value
}

function unknownOption(command: CommandSpec, typed: string, options: readonly OptionSpec[]): LmappError {
  const meant = nearest(
    typed.replace(/^--?/, ''),
    options.map(({ name }) => name),
  )
  const dash = command === chatCommand ? ` To ask something that begins with a dash: lmapp -- "${typed} …"` : ''
  return new LmappError('bad-input', `lmapp ${command.name} does not know the option ${typed}.`, {
    hint: meant ? `Did you mean --${meant}?` : `${help(command)}.${dash}`,
  })
}

function help(command: CommandSpec): string {
  return `See: lmapp ${command.name} --help`
}

function knownOptions(command: CommandSpec): OptionSpec[] {
  return [...command.options, ...globalOptions]
}

function tokenize(argv: readonly string[], options: readonly OptionSpec[]) {
  const config = Object.fromEntries(
    options.map(({ name, short, value }) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), ...(short && { short }) },
    ]),
  )
  return parseArgs({ args: [...argv], options: config, strict: false, tokens: true, allowPositionals: true }).tokens
}
