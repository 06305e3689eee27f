import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { LmappError, manifestFileName } from 'lmapp-kit'

/** The folder of an archive's one plugin: the archive itself, or the one folder of it that has a manifest. Throws `bad-input`. */
export async function findPluginFolder(root: string, from: string): Promise<string> {
  if (await hasManifest(root)) return root
  const folders = await foldersWithManifest(root)
  const [only, ...others] = folders
  if (only !== undefined && others.length === 0) return only
  throw notOne(from, folders)
}

/** Of a folder that a user named: the manifest must be in it. Throws `bad-input`. */
export async function assertPluginFolder(folder: string): Promise<void> {
  if (!(await hasManifest(folder))) throw notOne(folder, await foldersWithManifest(folder))
}

async function foldersWithManifest(root: string): Promise<string[]> {
  const folders = (await readdir(root)).sort().map((name) => join(root, name))
  const found = await Promise.all(folders.map(hasManifest))
  return folders.filter((_, index) => found[index])
}

async function hasManifest(folder: string): Promise<boolean> {
  return (await stat(join(folder, manifestFileName)).catch(() => undefined)) !== undefined
}

function notOne(from: string, folders: readonly string[]): LmappError {
  const names = folders.map((folder) => basename(folder))
  if (names.length === 0) {
    return new LmappError('bad-input', `${from} is no plugin: it has no ${manifestFileName}.`, {
      hint: 'Make one to begin with: lmapp backends new NAME --language node',
      details: { from },
    })
  }
  return new LmappError('bad-input', `${from} is no plugin itself, but has ${names.join(', ')} in it.`, {
    hint: 'Install one of these folders by its path',
    details: { from, folders: names },
  })
}
