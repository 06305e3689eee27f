import { randomBytes } from 'node:crypto'
import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  type ConfigProblem,
  configSchema,
  createDefaultConfigText,
  getConfigValue,
  isConfigError,
  parseConfig,
  setConfigValue,
  unsetConfigValue,
} from '@lmapp/core/config'
import { LmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import type { CommandContext } from '../context.ts'
import { editFile } from '../input/editor.ts'
import { printNotice } from '../output/print-error.ts'
import { printJson } from '../output/print-json.ts'
import { findPlaces } from '../service/service-places.ts'

/** All of these touch the file only, and never start the service. */
export async function showConfig(context: CommandContext): Promise<number> {
  const { configFile } = findPlaces(context.environment)
  const text = await readConfigText(configFile)
  await printJson(context.stdout, getConfigValue(text ?? '{}'))
  return printProblems(context, parseConfig(text ?? '{}', configFile).problems)
}

/** A text is printed as it is, everything else as JSON; a key that has no value prints nothing. */
export async function getConfig(context: CommandContext, args: Arguments): Promise<number> {
  const [key = ''] = args.operands
  const value = getConfigValue((await readConfigText(findPlaces(context.environment).configFile)) ?? '{}', key)
  if (value === undefined) {
    if (args.has('json')) await printJson(context.stdout, null)
    else await printNotice(context.stderr, `${key} is not set.`)
  } else if (typeof value === 'string' && !args.has('json')) await context.stdout.write(`${value}\n`)
  else await printJson(context.stdout, value)
  return 0
}

export async function setConfig(context: CommandContext, args: Arguments): Promise<number> {
  const [key = '', value = ''] = args.operands
  await writeConfigValue(context, key, value)
  return 0
}

/** Throws `bad-input` for an unknown key or an impossible value. */
export async function writeConfigValue(context: CommandContext, key: string, value: string): Promise<void> {
  await rewriteConfig(context, (text) => setConfigValue(text ?? createDefaultConfigText(), key, value))
}

export async function unsetConfig(context: CommandContext, args: Arguments): Promise<number> {
  const [key = ''] = args.operands
  await rewriteConfig(context, (text) => (text === undefined ? forgetNothing(key) : unsetConfigValue(text, key)))
  return 0
}

export async function editConfig(context: CommandContext): Promise<number> {
  const { configFile } = findPlaces(context.environment)
  const { VISUAL, EDITOR } = context.environment
  if (!VISUAL && !EDITOR && context.stdin.kind !== 'terminal') {
    throw new LmappError('bad-input', 'The usual editor needs a terminal.', {
      hint: 'Set EDITOR, or: lmapp config set KEY VALUE',
    })
  }
  if ((await readConfigText(configFile)) === undefined) await replaceConfigFile(configFile, createDefaultConfigText())
  else await writeSchema(configFile)
  const release = context.signals.listen(() => {})
  try {
    await editFile(configFile, context, 'See whether what it saved is sound: lmapp config show')
  } finally {
    release()
  }
  const { problems } = parseConfig((await readConfigText(configFile)) ?? '{}', configFile)
  return printProblems(context, problems)
}

export async function configPath(context: CommandContext): Promise<number> {
  await context.stdout.write(`${findPlaces(context.environment).configFile}\n`)
  return 0
}

/** Where there is no file, a key is only looked at. */
function forgetNothing(key: string): undefined {
  unsetConfigValue('{}', key)
}

type Rewrite = (text: string | undefined) => string | undefined

async function rewriteConfig(context: CommandContext, rewrite: Rewrite): Promise<void> {
  const { configFile } = findPlaces(context.environment)
  const before = await readConfigText(configFile)
  const after = rewrite(before)
  if (after !== undefined && after !== before) await replaceConfigFile(configFile, after)
}

/** Undefined when there is no file. */
export async function readConfigText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(path, 'read', cause)
  }
}

/** The configuration, and beside it the schema that its first line names, so that editors complete it. */
export async function replaceConfigFile(path: string, text: string): Promise<void> {
  await replaceFile(path, text)
  await writeSchema(path)
}

/** A schema that cannot be written costs an editor its completions, and nobody else anything. */
async function writeSchema(configFile: string): Promise<void> {
  const path = join(dirname(configFile), 'config.schema.json')
  const text = `${JSON.stringify(configSchema, null, 2)}\n`
  try {
    if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await replaceFile(path, text)
  } catch (error) {
    if (!(error instanceof LmappError)) throw error
  }
}

/** Aside and renamed, so that no reader sees half of it. A link stays a link, and the file keeps its rights. */
async function replaceFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const target = await realpath(path).catch(() => path)
    const mode = await stat(target).then(
      (found) => found.mode & 0o777,
      () => 0o600,
    )
    const aside = `${target}.${randomBytes(4).toString('hex')}`
    try {
      await writeFile(aside, text, { mode })
      await rename(aside, target)
    } finally {
      await rm(aside, { force: true })
    }
  } catch (cause) {
    throw unusable(path, 'written', cause)
  }
}

function unusable(path: string, what: string, cause: unknown): LmappError {
  const { code } = cause as NodeJS.ErrnoException
  return new LmappError(
    code === 'ENOSPC' ? 'disk-full' : 'path-unusable',
    `The configuration ${path} cannot be ${what}${code ? ` (${code})` : ''}.`,
    { cause },
  )
}

/** Returns the exit code: warnings are no failure. */
export async function printProblems({ stderr }: CommandContext, problems: readonly ConfigProblem[]): Promise<number> {
  for (const problem of problems) {
    const { file, line, column, message } = problem
    await printNotice(stderr, `${file}:${line}:${column}: ${isConfigError(problem) ? '' : 'warning: '}${message}`)
  }
  return problems.some(isConfigError) ? 2 : 0
}
