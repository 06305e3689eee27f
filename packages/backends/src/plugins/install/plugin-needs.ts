import { join, resolve } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { readSmallFile } from '../small-file.ts'

/** What must be installed beside a plugin before it runs. */
export interface PluginNeeds {
  /** By name, as npm takes them; empty: nothing. */
  npm: Record<string, string>
  /** Arguments of `pip install`; empty: nothing. */
  python: string[]
}

export interface NeedsOptions {
  /** The plugin as it was unpacked. */
  folder: string
  /** Where it came from: there `file:` dependencies that lead out of the plugin are. */
  origin?: string
}

/** Reads `package.json`, `pyproject.toml` and `requirements.txt`, and runs nothing. Throws `bad-input`. */
export async function readNeeds({ folder, origin = folder }: NeedsOptions): Promise<PluginNeeds> {
  return { npm: await readNpm(folder, origin), python: await readPython(folder) }
}

/** Whether its `package.json` says that packages lie in its own `node_modules`, as npm's archives then have them too. */
export async function bundlesPackages(folder: string): Promise<boolean> {
  const file = join(folder, 'package.json')
  const found = await readSmallFile(file)
  const bundled = found && bundledOf(parseObject(found.text, file))
  return bundled === true || (Array.isArray(bundled) && bundled.length > 0)
}

async function readNpm(folder: string, origin: string): Promise<Record<string, string>> {
  const file = join(folder, 'package.json')
  const found = await readSmallFile(file)
  if (!found) return {}
  const manifest = parseObject(found.text, file)
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = manifest
  const peers = Object.entries(toObject(peerDependencies)).filter(
    ([name]) => toObject(toObject(peerDependenciesMeta)[name]).optional !== true,
  )
  const all = { ...Object.fromEntries(peers), ...toObject(dependencies), ...toObject(optionalDependencies) }
  const bundled = bundledOf(manifest)
  const wanted = Object.entries(all).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && !isBundled(entry[0], bundled),
  )
  return Object.fromEntries(wanted.map(([name, spec]) => [name, toFullPath(spec, origin)]))
}

const bundledOf = (manifest: Record<string, unknown>): unknown =>
  manifest.bundleDependencies ?? manifest.bundledDependencies

const isBundled = (name: string, bundled: unknown): boolean =>
  bundled === true || (Array.isArray(bundled) && bundled.includes(name))

const toFullPath = (spec: string, origin: string): string =>
  spec.startsWith('file:') ? `file:${resolve(origin, spec.slice('file:'.length))}` : spec

async function readPython(folder: string): Promise<string[]> {
  const project = await readText(join(folder, 'pyproject.toml'))
  if (/^\s*\[(project|build-system)\]/m.test(project)) return [folder]
  const requirements = await readText(join(folder, 'requirements.txt'))
  return requirements.trim() === '' ? [] : ['--requirement', join(folder, 'requirements.txt')]
}

async function readText(file: string): Promise<string> {
  return (await readSmallFile(file))?.text ?? ''
}

function parseObject(text: string, file: string): Record<string, unknown> {
  try {
    return toObject(JSON.parse(text))
  } catch (cause) {
    throw new LmappError('bad-input', `${file} is no JSON.`, { hint: 'Correct the file', details: { file }, cause })
  }
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
