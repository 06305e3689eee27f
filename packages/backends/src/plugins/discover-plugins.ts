import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LmappError, type Manifest, manifestFileName } from 'lmapp-kit'
import { type InstallationRecord, installationFileName, parseInstallation } from './installation.ts'
import { parseManifest } from './parse-manifest.ts'
import { isMissing, readSmallFile, stampOfFile } from './small-file.ts'

/** A folder whose folders have a manifest each; or the one that `lmapp backends install` fills, with a record in each. */
export type PluginFolder = string | { installed: string }

export interface DiscoveredPlugin {
  manifest: Manifest
  /** The folder of the manifest. */
  directory: string
  file: string
  /** False when the manifest names platforms, and not this one. */
  runsHere: boolean
  origin: 'user' | 'installed'
  /** Of what is installed. */
  installation?: InstallationRecord
  /** Full paths of what bare program names in the command stand for. */
  programs?: Record<string, string>
  /** Another one when the manifest or the record changed. */
  stamp: string
}

export interface Discovery {
  /** In the order of the folders, then of their names. Names are unique: the first one counts. */
  plugins: DiscoveredPlugin[]
  /** What has a manifest that cannot be used, as errors that name it. */
  warnings: LmappError[]
}

/** As manifests name it: `linux-x64`. */
export const currentPlatform = `${process.platform}-${process.arch}`

/** Reads manifests, and runs nothing. What has none is ignored, a missing folder too. */
export async function discoverPlugins(
  folders: readonly PluginFolder[],
  platform: string = currentPlatform,
): Promise<Discovery> {
  const found = (await Promise.all(folders.map(listEntries))).flat()
  const read = await Promise.all(found.map((entry) => readEntry(entry, platform)))
  const discovery: Discovery = { plugins: [], warnings: [] }
  for (const plugin of read) {
    if (plugin instanceof LmappError) discovery.warnings.push(plugin)
    else if (plugin) addPlugin(discovery, plugin)
  }
  return discovery
}

/** Looks at dates and sizes only: another text when `discoverPlugins` may find something else. */
export async function stampOfFolders(folders: readonly PluginFolder[]): Promise<string> {
  const found = (await Promise.all(folders.map(listEntries))).flat()
  const stamps = await Promise.all(
    found.map(async ({ path, origin }) => {
      const file = join(path, origin === 'user' ? manifestFileName : installationFileName)
      return [file, await stampOfFile(file)]
    }),
  )
  const there = stamps.filter(([, stamp]) => stamp !== '')
  return createHash('sha256').update(JSON.stringify(there)).digest('hex')
}

interface PluginEntry {
  origin: DiscoveredPlugin['origin']
  path: string
}

async function listEntries(folder: PluginFolder): Promise<PluginEntry[]> {
  const [path, origin] =
    typeof folder === 'string' ? [folder, 'user' as const] : [folder.installed, 'installed' as const]
  try {
    return (await readdir(path)).sort().map((name) => ({ origin, path: join(path, name) }))
  } catch (error) {
    if (isMissing(error)) return []
    throw new LmappError('path-unusable', `The folder of plugins ${path} cannot be read.`, { cause: error })
  }
}

type Read = DiscoveredPlugin | LmappError | undefined

async function readEntry({ origin, path }: PluginEntry, platform: string): Promise<Read> {
  try {
    return origin === 'user' ? await readPlugin(path, platform) : await readInstalled(path, platform)
  } catch (error) {
    if (error instanceof LmappError) return error
    return new LmappError('config-invalid', `${path} cannot be read as a plugin.`, { details: { path }, cause: error })
  }
}

/** What a folder is as a plugin; undefined where it has no manifest. Throws `config-invalid` for one that is broken. */
export async function readPlugin(directory: string, platform: string): Promise<DiscoveredPlugin | undefined> {
  const file = join(directory, manifestFileName)
  const found = await readSmallFile(file)
  if (!found) return undefined
  const manifest = parseManifest(found.text, file)
  const runsHere = manifest.platforms?.includes(platform) ?? true
  return { manifest, directory, file, runsHere, origin: 'user', stamp: found.stamp }
}

async function readInstalled(path: string, platform: string): Promise<DiscoveredPlugin | undefined> {
  const file = join(path, installationFileName)
  const record = await readSmallFile(file)
  if (!record) return undefined
  const installation = parseInstallation(record.text, file)
  const plugin = await readPlugin(join(path, installation.directory), platform)
  if (plugin?.manifest.name !== installation.name) throw toChanged(file, installation, plugin)
  const programs = Object.entries(installation.programs ?? {}).map(([name, program]) => [name, join(path, program)])
  return {
    ...plugin,
    origin: 'installed',
    installation,
    ...(installation.programs && { programs: Object.fromEntries(programs) }),
    stamp: `${plugin.stamp} ${record.stamp}`,
  }
}

function toChanged(file: string, { name, directory }: InstallationRecord, plugin?: DiscoveredPlugin): LmappError {
  const found = plugin ? `the manifest of "${plugin.manifest.name}"` : 'no manifest'
  return new LmappError('config-invalid', `${file} tells of "${name}", and ${directory} has ${found}.`, {
    hint: `Remove it, and install it again: lmapp backends remove ${name}`,
    details: { file },
  })
}

function addPlugin({ plugins, warnings }: Discovery, plugin: DiscoveredPlugin): void {
  const first = plugins.find(({ manifest }) => manifest.name === plugin.manifest.name)
  if (!first) {
    plugins.push(plugin)
    return
  }
  const { name } = first.manifest
  const remove = plugin.origin === 'installed' ? `, or: lmapp backends remove ${name}` : ''
  warnings.push(
    new LmappError('config-invalid', `${plugin.file}: the name "${name}" is taken by ${first.file}.`, {
      hint: `Remove one of the two folders: ${first.directory}, ${plugin.directory}${remove}`,
      details: { file: plugin.file, line: 1, name, first: first.file },
    }),
  )
}
