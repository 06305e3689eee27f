import { dirname, resolve } from 'node:path'
import { LmappError, pluginNamePattern } from 'lmapp-kit'
import { isFields } from '../../json/fields.ts'
import { parsePluginSource, toPathSource, type WantedPlugin } from './plugin-source.ts'

/** Names of plugins that can be installed without saying where they come from. */
export interface PluginRegistry {
  /** A file, or an address; for messages. */
  from: string
  /** Where relative folders begin; absent where there are none to be had. */
  directory?: string
  backends: ReadonlyMap<string, KnownPlugin>
}

export interface KnownPlugin {
  description: string
  /** `npm:…`, `pypi:…` or a path relative to the registry's file. */
  source: string
  homepage?: string
  /** Of the archive, lower-case hex. */
  sha256?: string
}

/** `from`: a file's full path, or an address. Unknown keys are ignored. Throws `config-invalid`. */
export function parseRegistry(text: string, from: string): PluginRegistry {
  const registry = toObject(parseJson(text, from), 'It', from)
  if (registry.format !== 1) throw invalid(from, `"format" must be 1`)
  const entries = Object.entries(toObject(registry.backends, '"backends"', from))
  const backends = new Map(entries.map(([name, entry]) => [name, parseEntry(name, entry, from)]))
  return { from, ...(!URL.canParse(from) && { directory: dirname(from) }), backends }
}

/** Where a known name comes from; undefined for another. Throws `config-invalid` for an entry that leads nowhere. */
export async function findKnown(registry: PluginRegistry, name: string): Promise<WantedPlugin | undefined> {
  const entry = registry.backends.get(name)
  if (!entry) return undefined
  const wanted = await toWanted(registry, entry)
  return { ...wanted, source: { ...wanted.source, known: name }, ...(entry.sha256 && { sha256: entry.sha256 }) }
}

async function toWanted({ directory, from }: PluginRegistry, { source }: KnownPlugin): Promise<WantedPlugin> {
  if (/^(npm|pypi):/.test(source)) {
    const wanted = await parsePluginSource(source, { directory: '/', homeDir: '/' })
    if (wanted) return wanted
  }
  if (directory !== undefined) return toPathSource(resolve(directory, source))
  throw invalid(from, `"${source}" is a folder, and only a registry on this machine can name one`)
}

function parseEntry(name: string, value: unknown, from: string): KnownPlugin {
  if (!pluginNamePattern.test(name)) throw invalid(from, `"${name}" is no name of a-z, 0-9 and -`)
  const entry = toObject(value, `"${name}"`, from)
  const { description = '', source, homepage, sha256 } = entry
  const texts = [description, source, homepage ?? '', sha256 ?? '']
  if (texts.some((text) => typeof text !== 'string') || source === '') {
    throw invalid(from, `"${name}" needs a source, and texts only`)
  }
  const sum = sha256 === undefined ? undefined : String(sha256).toLowerCase()
  if (sum !== undefined && !/^[0-9a-f]{64}$/.test(sum)) throw invalid(from, `"sha256" of "${name}" is no SHA-256`)
  return {
    description: String(description),
    source: String(source),
    ...(homepage !== undefined && { homepage: String(homepage) }),
    ...(sum !== undefined && { sha256: sum }),
  }
}

function parseJson(text: string, from: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(from, 'It is no JSON', cause)
  }
}

function toObject(value: unknown, what: string, from: string): Record<string, unknown> {
  if (isFields(value)) return value
  throw invalid(from, `${what} is no object`)
}

function invalid(from: string, problem: string, cause?: unknown): LmappError {
  return new LmappError('config-invalid', `${from} is no list of backends: ${problem}.`, {
    hint: 'Take the list that lmapp brings: lmapp config unset sources.backends',
    details: { from },
    cause,
  })
}
