import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { toInstallError } from './install-error.ts'

/** Where a plugin comes together before it gets its place, beside that place. Disposing removes it. */
export interface Staging extends AsyncDisposable {
  /** What will be the plugin's folder. */
  plugin: string
  /** For archives, and for npm and pip to work in. */
  work: string
}

const stagingPrefix = '.staging-'
/** What a rename is about to replace: it comes back when the rename never came. */
const replacedPrefix = '.replaced-'
const removedPrefix = '.removed-'

/** The caller is the only one who installs, so that what lies there is what a dead one left. */
export async function openStaging(installedDir: string): Promise<Staging> {
  try {
    await mkdir(installedDir, { recursive: true, mode: 0o700 })
    await cleanUp(installedDir)
    const folder = await mkdtemp(join(installedDir, stagingPrefix))
    const [plugin, work] = [join(folder, 'plugin'), join(folder, 'work')]
    await Promise.all([mkdir(plugin), mkdir(work)])
    return { plugin, work, [Symbol.asyncDispose]: () => removeFolder(folder) }
  } catch (error) {
    throw toInstallError(error, installedDir)
  }
}

/** Puts the staged folder in place of what is there. When that fails, what is there stays. */
export async function moveIntoPlace(staging: Staging, installedDir: string, name: string): Promise<void> {
  const [target, replaced] = [join(installedDir, name), join(installedDir, `${replacedPrefix}${name}`)]
  const isReplacing = (await stat(target).catch(() => undefined)) !== undefined
  try {
    if (isReplacing) await rename(target, replaced)
    try {
      await rename(staging.plugin, target)
    } catch (error) {
      if (isReplacing) await rename(replaced, target)
      throw error
    }
  } catch (error) {
    throw toInstallError(error, target)
  }
  await removeFolder(replaced)
}

/** It is gone at once, whatever happens to the rest of it. */
export async function removeFromPlace(installedDir: string, name: string): Promise<void> {
  const removed = join(installedDir, `${removedPrefix}${name}`)
  await cleanUp(installedDir)
  try {
    await rename(join(installedDir, name), removed)
  } catch (error) {
    throw toInstallError(error, join(installedDir, name))
  }
  await removeFolder(removed)
}

async function cleanUp(installedDir: string): Promise<void> {
  const names = await readdir(installedDir)
  for (const name of names) {
    const path = join(installedDir, name)
    const replaced = name.startsWith(replacedPrefix) ? name.slice(replacedPrefix.length) : undefined
    if (replaced !== undefined && !names.includes(replaced)) await rename(path, join(installedDir, replaced))
    else if (replaced !== undefined || name.startsWith(stagingPrefix) || name.startsWith(removedPrefix)) {
      await removeFolder(path)
    }
  }
}

/** Files of a plugin may be read-only, and on Windows still open for a moment. */
async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
}
