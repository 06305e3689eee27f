import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { installationFileName, parseInstallation, parseManifest } from '@lmapp/backends/plugins'
import { isLmappError, LmappError, type Manifest, manifestFileName } from 'lmapp-kit'

/** A plugin as it is found at a path, and how its bare programs are found. */
export interface PluginAtPath {
  directory: string
  manifest: Manifest
  programs?: Record<string, string>
}

/**
 * The plugin's folder, its manifest, or the folder that `lmapp backends install` made.
 * Throws `bad-input` where there is no manifest, `config-invalid` for one that is broken.
 */
export async function readPluginAt(path: string): Promise<PluginAtPath> {
  const folder = basename(path) === manifestFileName ? dirname(path) : path
  const record = join(folder, installationFileName)
  const text = await readIfThere(record)
  if (text === undefined) return { directory: folder, manifest: await readManifest(folder) }
  const installation = parseInstallation(text, record)
  const directory = join(folder, installation.directory)
  const programs = Object.entries(installation.programs ?? {}).map(([name, program]) => [name, join(folder, program)])
  return { directory, manifest: await readManifest(directory), programs: Object.fromEntries(programs) }
}

async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, manifestFileName)
  const text = await readIfThere(file)
  if (text !== undefined) return parseOwnManifest(text, file)
  throw new LmappError('bad-input', `There is no ${manifestFileName} in ${folder}.`, {
    hint: 'Name the folder of a plugin, or begin one: lmapp backends new NAME --language node',
    details: { folder },
  })
}

/** Who judges a plugin mostly makes it: nothing is to be removed. */
function parseOwnManifest(text: string, file: string): Manifest {
  try {
    return parseManifest(text, file)
  } catch (error) {
    if (!isLmappError(error, 'config-invalid')) throw error
    throw new LmappError('config-invalid', error.message, {
      hint: 'Correct it; docs/plugins.md and specs/lifecycle.md show a whole one',
      details: { ...error.details },
      cause: error,
    })
  }
}

/** What is no plain file is never read: it may have no end. */
async function readIfThere(file: string): Promise<string | undefined> {
  try {
    if (!(await stat(file)).isFile()) return undefined
    return await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new LmappError('bad-input', `${file} cannot be read (${code}).`, { details: { file }, cause })
  }
}
