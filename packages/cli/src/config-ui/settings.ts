import { configDescription, type Description, getConfigValue, isSetInFile } from '@lmapp/core/config'
import { toOneLine } from '../output/sanitize.ts'

/** One thing that can be set, as the form shows it. */
export interface Setting {
  /** As `timeouts.stallMs`. */
  path: string
  description: Description
  /** In the shape of the file, its default included; undefined when it has none. */
  value: unknown
  origin: Origin
}

/** Where a value comes from. What the environment says goes before the file. */
export type Origin = 'default' | 'file' | { variable: string }

/** Variables of the environment that go before a key of the file. */
const variables: Readonly<Record<string, string>> = { model: 'LMAPP_MODEL' }

/** Every setting in the order of the description; maps are one setting each. */
export function listSettings(text: string, environment: NodeJS.ProcessEnv): Setting[] {
  return leaves('', configDescription).map(({ path, description }) => readSetting(path, description, text, environment))
}

/** The settings of one entry of a map, such as a backend. */
export function listFields(path: string, description: Description, text: string): Setting[] {
  return leaves(path, description).map((leaf) => readSetting(leaf.path, leaf.description, text, {}))
}

function readSetting(path: string, description: Description, text: string, environment: NodeJS.ProcessEnv): Setting {
  const variable = variables[path]
  const said = variable === undefined ? undefined : environment[variable]
  if (variable !== undefined && said) return { path, description, value: said, origin: { variable } }
  return { path, description, value: getConfigValue(text, path), origin: isSetInFile(text, path) ? 'file' : 'default' }
}

function leaves(path: string, description: Description): { path: string; description: Description }[] {
  if (description.kind !== 'object') return [{ path, description }]
  return Object.entries(description.fields)
    .filter(([name]) => name !== '$schema')
    .flatMap(([name, field]) => leaves(path === '' ? name : `${path}.${name}`, field))
}

/** A value on one line, for a list. */
export function describeValue({ value, description }: Pick<Setting, 'value' | 'description'>): string {
  if (description.kind === 'map') {
    const names = Object.keys((value as object | undefined) ?? {})
    return names.length === 0 ? 'none' : toOneLine(names.join(', '))
  }
  if (value === undefined) return 'not set'
  return toOneLine(typeof value === 'string' ? value : JSON.stringify(value))
}

export function describeOrigin(origin: Origin): string {
  return typeof origin === 'string' ? origin : `$${origin.variable}`
}
