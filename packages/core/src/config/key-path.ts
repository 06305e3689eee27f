import { LmappError } from 'lmapp-kit'
import { describeUnknownKey } from './check.ts'
import { configDescription, type Description, expectedOf } from './description.ts'

/** A key that the description knows. */
export interface KnownKey {
  path: string
  /** The names on the way, which may hold dots themselves: an alias may be called `qwen2.5`. */
  names: string[]
  description: Description
}

/** Throws `bad-input` with the nearest key that there is. */
export function findKey(path: string): KnownKey {
  const names: string[] = []
  let description: Description = configDescription
  for (let rest: string | undefined = path; rest !== undefined; ) {
    const name = takeName(description, rest)
    description = descend(description, name, [...names, name].join('.'))
    names.push(name)
    rest = rest.length > name.length ? rest.slice(name.length + 1) : undefined
  }
  return { path, names, description }
}

/** Where the values of a map hold no names, all that is left is one name. */
function takeName(description: Description, rest: string): string {
  const isLast = description.kind === 'map' && !holdsNames(description.values)
  const dot = isLast ? -1 : rest.indexOf('.')
  return dot < 0 ? rest : rest.slice(0, dot)
}

function holdsNames({ kind }: Description): boolean {
  return kind === 'object' || kind === 'map' || kind === 'anything'
}

function descend(description: Description, name: string, path: string): Description {
  if (name === '') throw new LmappError('bad-input', 'A part of the key is empty.', { details: { key: path } })
  if (description.kind === 'anything') return description
  if (description.kind === 'map') return descendMap(description, name)
  if (description.kind !== 'object') throw toNothingBelow(description, path)
  const field = Object.hasOwn(description.fields, name) ? description.fields[name] : undefined
  if (!field) throw toUnknownKey(name, path, Object.keys(description.fields))
  return field
}

function descendMap(description: Description & { kind: 'map' }, name: string): Description {
  if (new RegExp(description.keyPattern ?? '').test(name)) return description.values
  throw new LmappError('bad-input', `"${name}" must be ${description.keyExpected}.`, { details: { key: name } })
}

function toUnknownKey(name: string, path: string, known: string[]): LmappError {
  const { message, nearest } = describeUnknownKey(name, path, known)
  const before = path.slice(0, path.length - name.length)
  return new LmappError('bad-input', message, {
    hint: nearest === undefined ? 'See: lmapp config show' : `The nearest key is "${before}${nearest}"`,
    details: { key: path, known, ...(nearest !== undefined && { nearest: `${before}${nearest}` }) },
  })
}

function toNothingBelow(description: Description, path: string): LmappError {
  const parent = path.slice(0, path.lastIndexOf('.'))
  return new LmappError('bad-input', `"${parent}" holds ${expectedOf(description)}; nothing is below it.`, {
    hint: `Set it as a whole: lmapp config set ${parent} VALUE`,
    details: { key: path },
  })
}
