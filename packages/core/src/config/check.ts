import type { Node } from 'jsonc-parser'
import { isNear, nearestNames } from '../text/nearest.ts'
import type { ConfigProblem } from './config.ts'
import { type Description, expectedOf, type ObjectDescription } from './description.ts'
import { type ConfigDocument, membersOf, type ProblemText, problemAt, toPlain } from './document.ts'
import { parseDuration } from './duration.ts'

/** Reads the tree as described. What is wrong is left out of the value and named in the problems. */
export function checkDocument(
  document: ConfigDocument,
  description: ObjectDescription,
): { value: Record<string, unknown>; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = []
  const report = (node: Node, problem: ProblemText) => problems.push(problemAt(document, node.offset, problem))
  const value = document.root ? checkNode(description, document.root, { path: '', report }) : undefined
  return { value: (value ?? {}) as Record<string, unknown>, problems }
}

interface Place {
  /** As `backends.box1`. */
  path: string
  report(node: Node, problem: ProblemText): void
}

/** `undefined` when it is not what is described. */
function checkNode(description: Description, node: Node, place: Place): unknown {
  if (description.kind === 'object') return checkObject(description, node, place)
  if (description.kind === 'map') return checkMap(description, node, place)
  const value = readScalar(description, toPlain(node))
  if (value === undefined) reportWrong(description, node, place)
  return value
}

/** The value as it is kept, or `undefined` when it is not what is described. */
export function readScalar(description: Description, value: unknown): unknown {
  switch (description.kind) {
    case 'text':
      return isText(value) && fits(description, value) ? value : undefined
    case 'switch':
      return typeof value === 'boolean' ? value : undefined
    case 'choice':
      return description.values.some((known) => known === value) ? value : undefined
    case 'integer':
      return isWithin(value, description.minimum, description.maximum) ? value : undefined
    case 'duration':
      return parseDuration(value) === undefined ? undefined : value
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
    case 'text-or-texts':
      return isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)) ? value : undefined
    case 'text-or-object':
      return isText(value) || isObject(value) ? value : undefined
    case 'anything':
    case 'map':
    case 'object':
      return value
    default:
      return description satisfies never
  }
}

/** `nearest`, and how a message says it. */
export function describeUnknownKey(
  key: string,
  path: string,
  known: readonly string[],
): { message: string; nearest?: string } {
  const [nearest] = nearestNames(key, known, 1)
  if (nearest !== undefined && isNear(key, nearest)) {
    return { message: `"${path}" is no key that lmapp knows; did you mean "${nearest}"?`, nearest }
  }
  const list = known.filter((name) => name !== '$schema').join(', ')
  return {
    message: `"${path}" is no key that lmapp knows; known here: ${list}.`,
    ...(nearest !== undefined && { nearest }),
  }
}

function checkObject(description: ObjectDescription, node: Node, place: Place): unknown {
  const { fields, required = [] } = description
  if (node.type !== 'object') return reportWrong(description, node, place)
  const value: Record<string, unknown> = {}
  for (const member of membersWithoutRepeats(node, place)) {
    const path = join(place.path, member.key)
    const field = Object.hasOwn(fields, member.key) ? fields[member.key] : undefined
    if (!field) {
      const unknown = describeUnknownKey(member.key, path, Object.keys(fields))
      place.report(member.keyNode, { kind: 'unknown-key', path, ...unknown })
      continue
    }
    const read = member.value && checkNode(field, member.value, { ...place, path })
    if (read !== undefined) value[member.key] = read
  }
  const missing = required.find((key) => !membersOf(node).some((member) => member.key === key))
  const field = missing === undefined ? undefined : fields[missing]
  if (missing === undefined || !field) return value
  const path = join(place.path, missing)
  place.report(node, { kind: 'wrong-value', path, message: `"${path}" is missing; it must be ${expectedOf(field)}.` })
  return undefined
}

function checkMap(description: Description & { kind: 'map' }, node: Node, place: Place): unknown {
  if (node.type !== 'object') return reportWrong(description, node, place)
  const { keyPattern = '', keyExpected, values } = description
  const value: Record<string, unknown> = Object.create(null)
  for (const member of membersWithoutRepeats(node, place)) {
    const path = join(place.path, member.key)
    if (!new RegExp(keyPattern).test(member.key)) {
      const message = `"${member.key}" in "${place.path}" must be ${keyExpected}.`
      place.report(member.keyNode, { kind: 'wrong-value', path, message })
      continue
    }
    const read = member.value && checkNode(values, member.value, { ...place, path })
    if (read !== undefined) value[member.key] = read
  }
  return value
}

/** Two members of one name would be read one way here and another way elsewhere. */
function membersWithoutRepeats(node: Node, place: Place): ReturnType<typeof membersOf> {
  const seen = new Set<string>()
  return membersOf(node).filter(({ key, keyNode }) => {
    if (!seen.has(key)) return seen.add(key)
    const path = join(place.path, key)
    place.report(keyNode, { kind: 'syntax', path, message: `"${path}" stands here a second time.` })
    return false
  })
}

function reportWrong(description: Description, node: Node, place: Place): undefined {
  const subject = place.path === '' ? 'The configuration' : `"${place.path}"`
  const message = `${subject} must be ${expectedOf(description)}.`
  place.report(node, { kind: 'wrong-value', path: place.path, message })
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function fits(description: Description & { kind: 'text' }, value: string): boolean {
  if (description.format === 'uri') return /^https?:\/\//.test(value) && URL.canParse(value)
  return description.pattern === undefined || new RegExp(description.pattern).test(value)
}

function isWithin(value: unknown, minimum: number, maximum: number): boolean {
  return Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
