import { join } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { type BackendHarness, defaultPrompts } from 'lmapp-kit/testkit'
import { isFields } from '../json/fields.ts'
import { JsonSyntaxError, type JsonWithLines, parseJsonWithLines } from '../plugins/json-with-lines.ts'
import { readSmallFile } from '../plugins/small-file.ts'
import { pluginRequirements } from './requirements.ts'

/**
 * `lmapp-verify.json` beside a manifest: what the judge must know of a plugin. Everything may be absent; without `model`
 * the first one that `list_models` gives is asked.
 */
export interface VerifySettings extends Partial<Omit<BackendHarness, 'name' | 'open' | 'scenarios' | 'skip'>> {
  /** For `hello`. */
  config?: Record<string, unknown>
  secrets?: Record<string, string>
  /** Requirements that are known not to hold, of both layers, each with its reason. One that holds fails. */
  skip?: { requirement: string; reason: string }[]
}

export const verifySettingsFileName = 'lmapp-verify.json'

/** `{}` where there is no file. Throws `config-invalid` that names the file and the line. */
export async function readVerifySettings(directory: string): Promise<VerifySettings> {
  const file = join(directory, verifySettingsFileName)
  const found = await readSmallFile(file)
  return found ? parseVerifySettings(found.text, file) : {}
}

/** Keys that nobody knows are refused: a slip here would judge something else than was meant. */
export function parseVerifySettings(text: string, file: string): VerifySettings {
  const json = parseJson(text, file)
  if (!isFields(json.value)) throw invalid(file, 1, 'The settings must be an object')
  for (const [key, value] of Object.entries(json.value)) {
    const check = Object.hasOwn(checks, key) ? checks[key as keyof VerifySettings] : undefined
    const problem = check ? check(value) : 'is not known here'
    if (problem !== undefined) throw invalid(file, json.lineOf(key), `"${key}" ${problem}`)
  }
  return json.value as VerifySettings
}

/** What is wrong with a value; undefined when nothing is. */
type Check = (value: unknown) => string | undefined

const text: Check = (value) => (isFilledText(value) ? undefined : 'must be a text')

const checks: Record<keyof VerifySettings, Check> = {
  model: text,
  config: (value) => (isFields(value) ? undefined : 'must be an object'),
  secrets: (value) =>
    isFields(value) && Object.values(value).every((secret) => typeof secret === 'string')
      ? undefined
      : 'must be an object of texts',
  prompts: checkPrompts,
  toolModel: text,
  schemaModel: text,
  visionModel: text,
  reasoningModel: text,
  embedModel: text,
  pullableModel: text,
  unsupportedSetting: (value) =>
    isFields(value) && isFilledText(value.name) && isFields(value.options) && Object.hasOwn(value.options, value.name)
      ? undefined
      : 'must be { "name", "options" }, and the options must have what the name says',
  skip: checkSkip,
  deadlineMs: (value) => (typeof value === 'number' && value > 0 ? undefined : 'must be a number of milliseconds'),
}

function checkPrompts(value: unknown): string | undefined {
  if (!isFields(value)) return 'must be an object'
  const wrong = Object.entries(value).find(([key, prompt]) => {
    if (!Object.hasOwn(defaultPrompts, key)) return true
    if (key !== 'others') return !isFilledText(prompt)
    return !Array.isArray(prompt) || prompt.length !== 2 || !prompt.every(isFilledText)
  })
  return wrong && `has a wrong "${wrong[0]}"; it may have ${Object.keys(defaultPrompts).join(', ')}`
}

function checkSkip(value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'must be a list'
  for (const item of value) {
    if (!isFields(item) || !isFilledText(item.requirement) || !isFilledText(item.reason)) {
      return 'must have nothing but { "requirement", "reason" }'
    }
    if (!pluginRequirements.some(({ id }) => id === item.requirement)) {
      return `names "${item.requirement}", which is no requirement`
    }
  }
  return undefined
}

function parseJson(source: string, file: string): JsonWithLines {
  try {
    return parseJsonWithLines(source)
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause
    throw invalid(file, cause.line, 'It is no JSON', cause)
  }
}

/** Names of the file's own stand in the words, however long they are. */
const mostCharacters = 300

function invalid(file: string, line: number, problem: string, cause?: unknown): LmappError {
  const words = problem.length > mostCharacters ? `${problem.slice(0, mostCharacters)}…` : problem
  return new LmappError('config-invalid', `${file}:${line}: ${words}.`, {
    hint: `Correct the file, or remove it: ${file}`,
    details: { file, line },
    cause,
  })
}

function isFilledText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}
