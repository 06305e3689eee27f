import { basename } from 'node:path'
import { defaultTemplate, type ListConfig, type NodeCliConfig, type ProgramConfig, type Template } from './config.ts'
import {
  assertKnown,
  type Fields,
  invalid,
  isObject,
  readArguments,
  readCommand,
  readCount,
  readFlag,
  readGroupPattern,
  readObject,
  readPattern,
  readText,
  readTexts,
} from './fields.ts'
import { optionNames, programErrorCodes } from './names.ts'

const programKeys = 'command prompt template system options env cwd trim usage errors'.split(' ')
const ownKeys = ['models', 'modelsCommand', 'modelsPattern', 'parallel']

/**
 * Reads `config` of `hello`. Settings of a program beside `models` hold for all models; a model's own go before them.
 * Throws `config-invalid` that names the setting.
 */
export function parseConfig(value: unknown): NodeCliConfig {
  const fields = readObject(value, 'config')
  assertKnown(fields, '', [...programKeys, ...ownKeys])
  const shared = Object.fromEntries(Object.entries(fields).filter(([key]) => programKeys.includes(key)))
  const list = readList(fields, shared)
  return {
    models: readModels(fields, shared),
    ...(list && { list }),
    parallel: fields.parallel === undefined ? 1 : readCount(fields.parallel, 'parallel'),
  }
}

function readModels({ models, modelsCommand }: Fields, shared: Fields): Map<string, ProgramConfig> {
  if (Array.isArray(models)) {
    const names = readTexts(models, 'models')
    return new Map(names.map((name) => [readName(name), readProgram(shared, '')]))
  }
  if (models !== undefined) {
    return new Map(
      Object.entries(readObject(models, 'models')).map(([name, own]) => {
        const path = `models.${name}`
        const fields = readObject(own, path)
        assertKnown(fields, path, programKeys)
        return [readName(name), readProgram({ ...shared, ...fields }, `${path}.`)]
      }),
    )
  }
  if (modelsCommand !== undefined || shared.command === undefined) return new Map()
  const program = readProgram(shared, '')
  return new Map([[toModelName(program.command), program]])
}

function readName(name: string): string {
  if (name === '') throw invalid('models', 'has a model without a name')
  return name
}

/** A single program without a name is known by its file's. */
function toModelName([program = '']: readonly string[]): string {
  return basename(program).replace(/\.[a-z]+$/i, '') || program
}

function readList({ modelsCommand, modelsPattern }: Fields, shared: Fields): ListConfig | undefined {
  if (modelsCommand === undefined) {
    if (modelsPattern === undefined) return undefined
    throw invalid('modelsPattern', 'is for the lines of "modelsCommand", which is missing')
  }
  return {
    command: readCommand(modelsCommand, 'modelsCommand'),
    ...(modelsPattern !== undefined && { pattern: readGroupPattern(modelsPattern, 'modelsPattern') }),
    program: readProgram(shared, ''),
  }
}

/** `prefix` is what stands before a setting's name, as `models.x.`. */
function readProgram(fields: Fields, prefix: string): ProgramConfig {
  if (fields.command === undefined) throw invalid(`${prefix}command`, 'is missing')
  const command = readCommand(fields.command, `${prefix}command`)
  return {
    command,
    prompt: readPromptPlace(fields.prompt, command, `${prefix}prompt`),
    ...(fields.template !== undefined && { template: readTemplate(fields.template, `${prefix}template`) }),
    ...(fields.system !== undefined && { system: readArguments(fields.system, `${prefix}system`, '{system}') }),
    options: readOptions(fields.options ?? {}, `${prefix}options`),
    environment: readEnvironment(fields.env ?? {}, `${prefix}env`),
    ...(fields.cwd !== undefined && { directory: readText(fields.cwd, `${prefix}cwd`) }),
    trim: fields.trim === undefined ? true : readFlag(fields.trim, `${prefix}trim`),
    usage: readUsage(fields.usage ?? {}, `${prefix}usage`),
    errors: readErrors(fields.errors ?? {}, `${prefix}errors`),
  }
}

function readPromptPlace(value: unknown, command: readonly string[], path: string): 'stdin' | 'argument' {
  const hasPlace = command.slice(1).some((argument) => argument.includes('{prompt}'))
  if (value === undefined) return hasPlace ? 'argument' : 'stdin'
  if (value === 'stdin' || (value === 'argument' && hasPlace)) return value
  throw invalid(path, 'must be "stdin", or "argument" where {prompt} stands in an argument of "command"')
}

function readTemplate(value: unknown, path: string): Template {
  const fields = readObject(value, path)
  assertKnown(fields, path, Object.keys(defaultTemplate))
  const { ending, ...roles } = fields
  const texts = Object.entries(roles).map(([role, text]) => {
    const template = readText(text, `${path}.${role}`)
    if (!template.includes('{text}')) throw invalid(`${path}.${role}`, 'must have {text}')
    return [role, template]
  })
  return {
    ...defaultTemplate,
    ...Object.fromEntries(texts),
    ...(ending !== undefined && { ending: readText(ending, `${path}.ending`) }),
  }
}

function readOptions(value: unknown, path: string): ProgramConfig['options'] {
  const fields = readObject(value, path)
  assertKnown(fields, path, optionNames)
  return Object.fromEntries(
    Object.entries(fields).map(([name, args]) => [name, readArguments(args, `${path}.${name}`, '{value}')]),
  )
}

function readEnvironment(value: unknown, path: string): Record<string, string> {
  if (!isObject(value)) throw invalid(path, 'must be an object of variables and their values')
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, readText(text, `${path}.${name}`)]))
}

function readUsage(value: unknown, path: string): ProgramConfig['usage'] {
  const { input, output, ...others } = readObject(value, path)
  assertKnown(others, path, [])
  return {
    ...(input !== undefined && { input: readGroupPattern(input, `${path}.input`) }),
    ...(output !== undefined && { output: readGroupPattern(output, `${path}.output`) }),
  }
}

function readErrors(value: unknown, path: string): ProgramConfig['errors'] {
  const fields = readObject(value, path)
  assertKnown(fields, path, programErrorCodes)
  return programErrorCodes
    .filter((code) => fields[code] !== undefined)
    .map((code) => ({ code, pattern: readPattern(fields[code], `${path}.${code}`) }))
}
