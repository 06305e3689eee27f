import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LmappError, type Manifest, manifestFileName } from 'lmapp-kit'
import { parseManifest } from './parse-manifest.ts'

export interface DiscoveredPlugin {
  manifest: Manifest
  /** The folder of the manifest. */
  directory: string
  file: string
  /** False when the manifest names platforms, and not this one. */
  runsHere: boolean
}

export interface Discovery {
  /** In the order of the folders, then of their names. Names are unique: the first one counts. */
  plugins: DiscoveredPlugin[]
  /** What has a manifest that cannot be used, as errors that name it. */
  warnings: LmappError[]
}

/** As manifests name it: `linux-x64`. */
export const currentPlatform = `${process.platform}-${process.arch}`

/** Reads `<folder>/<name>/lmapp-backend.json`; runs nothing. What has no manifest is ignored, a missing folder too. */
export async function discoverPlugins(folders: readonly string[], platform = currentPlatform): Promise<Discovery> {
  const directories = (await Promise.all(folders.map(listDirectories))).flat()
  const read = await Promise.all(directories.map((directory) => readPlugin(directory, platform)))
  const discovery: Discovery = { plugins: [], warnings: [] }
  for (const found of read) {
    if (found instanceof LmappError) discovery.warnings.push(found)
    else if (found) addPlugin(discovery, found)
  }
  return discovery
}

async function listDirectories(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort().map((name) => join(folder, name))
  } catch (error) {
    if (isMissing(error)) return []
    throw new LmappError('path-unusable', `The folder of plugins ${folder} cannot be read.`, { cause: error })
  }
}

async function readPlugin(directory: string, platform: string): Promise<DiscoveredPlugin | LmappError | undefined> {
  const file = join(directory, manifestFileName)
  try {
    const manifest = parseManifest(await readFile(file, 'utf8'), file)
    return { manifest, directory, file, runsHere: manifest.platforms?.includes(platform) ?? true }
  } catch (error) {
    if (error instanceof LmappError) return error
    if (isMissing(error)) return undefined
    return new LmappError('config-invalid', `${file} cannot be read.`, { details: { file }, cause: error })
  }
}

function addPlugin({ plugins, warnings }: Discovery, plugin: DiscoveredPlugin): void {
  const first = plugins.find(({ manifest }) => manifest.name === plugin.manifest.name)
  if (!first) {
    plugins.push(plugin)
    return
  }
  warnings.push(
    new LmappError('config-invalid', `${plugin.file}: the name "${first.manifest.name}" is taken by ${first.file}.`, {
      hint: `Remove one of the two folders: ${first.directory}, ${plugin.directory}`,
      details: { file: plugin.file, line: 1, first: first.file },
    }),
  )
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR'
}
