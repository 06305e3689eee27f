import type { Node } from 'jsonc-parser'
import { LmappError } from 'lmapp-kit'
import { checkDocument, readScalar } from './check.ts'
import type { ConfigProblem } from './config.ts'
import { configDescription, type Description, expectedOf } from './description.ts'
import { memberOf, parseDocument, toPlain } from './document.ts'
import { findKey, type KnownKey } from './key-path.ts'
import { isConfigError, toConfigInvalid } from './load-config.ts'
import { parseConfig, withDefaults } from './parse-config.ts'
import { removeMember, setMember } from './rewrite.ts'

/**
 * The text with one value set; comments, order and everything else stay. `key` is as `backends.box1.url`.
 * A value given as text is read as JSON where that fits, else as the text itself.
 * Throws `bad-input` for a key or value that is not possible, `config-invalid` for a file that is no JSON.
 */
export function setConfigValue(text: string, key: string, value: unknown): string {
  const known = findKey(key)
  const fitting = fitValue(known, value)
  const root = parseForEdit(text)
  const edited = setMember(toEditable(text, root), known.names, fitting)
  assertNoNewProblem(text, edited, key)
  return edited
}

/** The text without this key; unchanged when it does not hold it. Also removes keys that lmapp does not know. */
export function unsetConfigValue(text: string, key: string): string {
  const root = parseForEdit(text)
  const names = namesInFile(root, key)
  if (!names) {
    findKey(key)
    return text
  }
  const edited = removeMember(text, names)
  assertNoNewProblem(text, edited, key)
  return edited
}

/** What the file says or, where it says nothing, the default, in the shape of the file. Without `key`: all of it. */
export function getConfigValue(text: string, key?: string): unknown {
  parseForEdit(text)
  const { value } = checkDocument(parseDocument(text, ''), configDescription)
  const names = key === undefined ? [] : findKey(key).names
  return names.reduce<unknown>((node, name) => ownMember(node, name), withDefaults(configDescription, value))
}

/** Whether the file itself says something about this key. Throws as `getConfigValue`. */
export function isSetInFile(text: string, key: string): boolean {
  return namesInFile(parseForEdit(text), key) !== undefined
}

/** Throws `config-invalid` for what is no JSON; other problems can be mended by the edit. */
function parseForEdit(text: string): Node | undefined {
  const { root, problems } = parseDocument(text, 'config.json')
  const [first, ...others] = problems
  if (first) throw toConfigInvalid(first, others)
  if (!root || root.type === 'object') return root
  const [problem] = checkDocument(parseDocument(text, 'config.json'), configDescription).problems
  throw problem ? toConfigInvalid(problem, []) : new LmappError('config-invalid', 'The configuration is no object.')
}

/** An empty file, or one of comments only, has nothing yet that could hold a value. */
function toEditable(text: string, root: Node | undefined): string {
  if (root) return text
  return text.trim() === '' ? '{}\n' : `${text.trimEnd()}\n{}\n`
}

function fitValue({ description, path }: KnownKey, value: unknown): unknown {
  const choices = typeof value === 'string' ? readingsOf(value) : [value]
  const refusals = choices.map((choice) => findRefusal(description, choice, path))
  const fitting = refusals.indexOf(undefined)
  if (fitting >= 0) return choices[fitting]
  throw new LmappError('bad-input', refusals[0] ?? '', {
    hint: `Expected: ${expectedOf(description)}`,
    details: { key: path, expected: expectedOf(description) },
  })
}

/** As JSON, where it is some; as the text itself, unless it is a list or an object. */
function readingsOf(text: string): unknown[] {
  const { root, problems } = parseDocument(text, '')
  if (!root || problems.length > 0) return [text]
  return root.children ? [toPlain(root)] : [toPlain(root), text]
}

/** Why the value does not fit, or `undefined`. */
function findRefusal(description: Description, value: unknown, path: string): string | undefined {
  if (description.kind !== 'object' && description.kind !== 'map') {
    const fits = value !== undefined && readScalar(description, value) !== undefined
    return fits ? undefined : `"${path}" must be ${expectedOf(description)}.`
  }
  const wrapper = { kind: 'object', doc: '', fields: { [path]: description } } as const
  const document = parseDocument(JSON.stringify({ [path]: value }) ?? '', '')
  return checkDocument(document, wrapper).problems[0]?.message
}

/** An edit may leave what was wrong before, and must not add to it: an engine without a type, for instance. */
function assertNoNewProblem(before: string, after: string, key: string): void {
  const seen = new Set(errorsOf(before).map(({ path }) => path))
  const added = errorsOf(after).find(({ path }) => !seen.has(path))
  if (!added) return
  throw new LmappError('bad-input', `"${key}" cannot be changed like this: ${added.message}`, {
    hint: `Set it first: lmapp config set ${added.path} VALUE`,
    details: { key, path: added.path },
  })
}

function errorsOf(text: string): ConfigProblem[] {
  return parseConfig(text, '').problems.filter(isConfigError)
}

/** The names on the way to a key that the file holds, known to lmapp or not; names may hold dots. */
function namesInFile(node: Node | undefined, key: string): string[] | undefined {
  if (memberOf(node, key)) return [key]
  for (let dot = key.indexOf('.'); dot > 0; dot = key.indexOf('.', dot + 1)) {
    const name = key.slice(0, dot)
    const rest = namesInFile(memberOf(node, name)?.value, key.slice(dot + 1))
    if (rest) return [name, ...rest]
  }
  return undefined
}

function ownMember(value: unknown, name: string): unknown {
  const isHolder = typeof value === 'object' && value !== null && Object.hasOwn(value, name)
  return isHolder ? (value as Record<string, unknown>)[name] : undefined
}
