import { dirname } from 'node:path'
import { LmappError, type Manifest, pluginNamePattern, requiredMethods } from 'lmapp-kit'
import { isFields } from '../json/fields.ts'
import { JsonSyntaxError, type JsonWithLines, parseJsonWithLines } from './json-with-lines.ts'

/** What is wrong with a value; undefined when nothing is. */
type Check = (value: unknown) => string | { at: string; problem: string } | undefined

/** Reads `lmapp-backend.json`. Unknown keys are ignored. Throws `config-invalid` that names `file` and the line. */
export function parseManifest(text: string, file: string): Manifest {
  const json = parseJson(text, file)
  const source = json.value
  if (!isFields(source)) throw invalid(file, 1, 'A manifest must be an object.')
  for (const [key, check] of Object.entries({ ...always, ...needsOf(source.execution) })) {
    const problem = check(source[key])
    if (problem === undefined) continue
    const path = typeof problem === 'string' ? key : `${key}.${problem.at}`
    const wording = typeof problem === 'string' ? problem : problem.problem
    throw invalid(file, json.lineOf(path), `"${key}" ${wording}.`, path)
  }
  const known = Object.keys({ ...always, ...ofExecution })
  return Object.fromEntries(Object.entries(source).filter(([key]) => known.includes(key))) as unknown as Manifest
}

const always: Record<keyof Omit<Manifest, 'command' | 'address' | 'library'>, Check> = {
  name: matches(pluginNamePattern, 'must be a name of a-z, 0-9 and -, at most 64 of them'),
  version: matches(/./, 'must be a text'),
  description: ifPresent(matches(/^/, 'must be a text')),
  language: matches(/./, 'must be a text'),
  interface_version: matches(/^\d+\.\d+$/, 'must be a version such as "1.0"'),
  methods: checkMethods,
  execution: matches(/^(subprocess|ffi|grpc)$/, 'must be "subprocess", "ffi" or "grpc"'),
  platforms: ifPresent(checkTexts),
  capabilities: ifPresent(checkCapabilities),
  config_schema: ifPresent((value) => (isFields(value) ? undefined : 'must be a JSON Schema')),
}

const ofExecution: Record<'command' | 'address' | 'library', Check> = {
  command: (value) => checkTexts(value) ?? checkCommand(value),
  address: matches(
    /^(unix:.+|(127\.0\.0\.1|localhost|\[::1\]):\d+)$/,
    'must be a host and port on loopback, or "unix:PATH"',
  ),
  library: (value) =>
    isFilledText(value) || (isFields(value) && Object.values(value).every(isFilledText))
      ? undefined
      : 'must be a path, or paths by platform',
}

/** One of the three is needed; the others are of no use then, and still may not be wrong. */
function needsOf(execution: unknown): Record<string, Check> {
  const needed = execution === 'subprocess' ? 'command' : execution === 'grpc' ? 'address' : 'library'
  return Object.fromEntries(
    Object.entries(ofExecution).map(([key, check]) => [key, key === needed ? check : ifPresent(check)]),
  )
}

function checkMethods(value: unknown): ReturnType<Check> {
  const problem = checkTexts(value)
  if (problem !== undefined || !Array.isArray(value)) return problem
  const missing = requiredMethods.filter((method) => !value.includes(method))
  return missing.length === 0 ? undefined : `must have ${missing.join(', ')} too: every backend has these`
}

function checkCapabilities(value: unknown): ReturnType<Check> {
  if (!isFields(value)) return 'must be an object'
  for (const [name, support] of Object.entries(value)) {
    if (name === 'parallel') {
      if (!isCount(support)) return { at: name, problem: `says ${toShown(support)} of parallel; it must be 1 or more` }
    } else if (!['yes', 'no', 'unknown'].some((known) => known === support)) {
      return { at: name, problem: `says ${toShown(support)} of ${name.slice(0, 40)}; it must be yes, no or unknown` }
    }
  }
  return undefined
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1
}

function toShown(value: unknown): string {
  const json = JSON.stringify(value)
  return json.length <= 40 ? json : `${json.slice(0, 40)}…`
}

function checkTexts(value: unknown): ReturnType<Check> {
  if (!Array.isArray(value)) return 'must be a list of texts'
  const wrong = value.findIndex((item) => typeof item !== 'string')
  return wrong === -1 ? undefined : { at: String(wrong), problem: 'must have nothing but texts' }
}

function matches(pattern: RegExp, problem: string): Check {
  return (value) => (typeof value === 'string' && pattern.test(value) ? undefined : problem)
}

function ifPresent(check: Check): Check {
  return (value) => (value === undefined ? undefined : check(value))
}

function checkCommand(value: unknown): ReturnType<Check> {
  if (!Array.isArray(value) || !isFilledText(value[0])) return 'must begin with a program'
  const wrong = value.findIndex((item) => item.includes('\0'))
  return wrong === -1 ? undefined : { at: String(wrong), problem: 'must have no NUL character' }
}

function isFilledText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function parseJson(text: string, file: string): JsonWithLines {
  try {
    return parseJsonWithLines(text)
  } catch (cause) {
    if (!(cause instanceof JsonSyntaxError)) throw cause
    throw invalid(file, cause.line, cause.message, undefined, cause)
  }
}

function invalid(file: string, line: number, problem: string, path?: string, cause?: unknown): LmappError {
  return new LmappError('config-invalid', `${file}:${line}: ${problem}`, {
    hint: `Correct the file, or remove the folder ${dirname(file)}`,
    details: { file, line, ...(path !== undefined && { path }) },
    cause,
  })
}
