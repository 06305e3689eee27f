import { LmappError } from 'lmapp-kit'

/** Readers of one value each. `path` is how a user finds it under `backends.<id>.config`. All throw `config-invalid`. */

export type Fields = Record<string, unknown>

export function readObject(value: unknown, path: string): Fields {
  if (isObject(value)) return value
  throw invalid(path, 'must be an object')
}

export function readText(value: unknown, path: string): string {
  if (typeof value === 'string') return value
  throw invalid(path, 'must be a text')
}

export function readTexts(value: unknown, path: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw invalid(path, 'must be a list of texts')
}

/** A program and its arguments. */
export function readCommand(value: unknown, path: string): string[] {
  const command = readTexts(value, path)
  const [program = ''] = command
  if (program === '') throw invalid(path, 'must begin with a program')
  if (/[/\\]/.test(program) && !/^(\/|~\/)/.test(program)) {
    throw invalid(path, `begins with "${program}", which must be a name, a full path or ~/…`)
  }
  return command
}

/** Arguments in which a placeholder must stand. */
export function readArguments(value: unknown, path: string, placeholder: string): string[] {
  const args = readTexts(value, path)
  if (args.some((argument) => argument.includes(placeholder))) return args
  throw invalid(path, `must have ${placeholder} in one of its arguments`)
}

export function readFlag(value: unknown, path: string): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(path, 'must be true or false')
}

export function readCount(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
  throw invalid(path, 'must be a whole number, at least 1')
}

/** A regular expression; letters match whether they are small or capital. */
export function readPattern(value: unknown, path: string): RegExp {
  const text = readText(value, path)
  try {
    return new RegExp(text, 'im')
  } catch (cause) {
    throw invalid(path, 'must be a regular expression', cause)
  }
}

/** One whose first group is what is looked for. */
export function readGroupPattern(value: unknown, path: string): RegExp {
  const pattern = readPattern(value, path)
  if (new RegExp(`${pattern.source}|`).exec('')?.length !== 1) return pattern
  throw invalid(path, 'must have a group, as in "(\\\\d+) tokens"')
}

export function assertKnown(fields: Fields, path: string, known: readonly string[]): void {
  const other = Object.keys(fields).find((name) => !known.includes(name))
  if (other === undefined) return
  throw invalid(path === '' ? other : `${path}.${other}`, `is not known; what is known: ${known.join(', ')}`)
}

export function invalid(path: string, problem: string, cause?: unknown): LmappError {
  return new LmappError('config-invalid', `"${path}" of a node-cli backend ${problem}.`, {
    hint: 'Correct it under backends.<id>.config: lmapp config edit',
    details: { setting: path },
    ...(cause !== undefined && { cause }),
  })
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
