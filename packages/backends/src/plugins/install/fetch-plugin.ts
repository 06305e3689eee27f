import { copyFile, mkdir, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isLmappError, LmappError, type Manifest, manifestFileName } from 'lmapp-kit'
import { describeSource } from '../installation.ts'
import { parseManifest } from '../parse-manifest.ts'
import { readSmallFile } from '../small-file.ts'
import { copyTree, hashFile, hashTree, type TreeLimits } from './file-tree.ts'
import { assertPluginFolder, findPluginFolder } from './find-manifest.ts'
import { toInstallError } from './install-error.ts'
import { packNpm } from './npm.ts'
import { bundlesPackages } from './plugin-needs.ts'
import type { WantedPlugin } from './plugin-source.ts'
import { downloadWheel } from './python.ts'
import { readWheel } from './read-wheel.ts'
import type { ToolContext } from './run-tool.ts'
import type { Staging } from './staging.ts'
import { unpackTarball } from './unpack-tarball.ts'

export interface FetchContext extends ToolContext {
  /** What is done now, for people. */
  report(status: string): void
  limits?: TreeLimits
}

/** A plugin that is here, and of which nothing ran. */
export interface FetchedPlugin {
  manifest: Manifest
  manifestText: string
  /** Of the archive; of a folder the hash over its files. */
  sha256: string
  /** A folder of files, in its place in the staging; or a wheel, which only pip unpacks. */
  content: { kind: 'tree'; folder: string; origin?: string } | { kind: 'wheel'; file: string; member: string }
}

/**
 * Brings the archive or a copy of the folder. Throws `offline`, `tool-missing`, `download-failed`, `bad-input`,
 * `checksum-mismatch`, `config-invalid` for a wrong manifest, and what the disk refuses.
 */
export async function fetchPlugin(
  wanted: WantedPlugin,
  staging: Staging,
  context: FetchContext,
): Promise<FetchedPlugin> {
  if (wanted.source.kind === 'folder') return fetchFolder(wanted.source.from, staging, context)
  const archive = await fetchArchive(wanted, staging, context)
  const sha256 = await hashFile(archive)
  assertSum(wanted, sha256)
  context.signal.throwIfAborted()
  const from = describeSource(wanted.source)
  return archive.toLowerCase().endsWith('.whl')
    ? openWheel(archive, from, sha256)
    : openTarball({ archive, sha256, from }, staging, context)
}

/** The plugin's own files lie in a folder of this name, beside what is installed for it. */
const treeName = 'plugin'

async function fetchFolder(from: string, staging: Staging, context: FetchContext): Promise<FetchedPlugin> {
  context.report(`copying ${from}`)
  await assertPluginFolder(from)
  const folder = join(staging.plugin, treeName)
  await copyTree(from, folder, { limits: context.limits, withPackages: await bundlesPackages(from) })
  context.signal.throwIfAborted()
  const sha256 = await hashTree(folder)
  return { ...(await readManifest(folder, from)), sha256, content: { kind: 'tree', folder, origin: from } }
}

async function fetchArchive(wanted: WantedPlugin, { work }: Staging, context: FetchContext): Promise<string> {
  const { source, version } = wanted
  const text = describeSource(source)
  if (source.kind === 'tarball') {
    const archive = join(work, basename(source.from))
    await copyFile(source.from, archive).catch((error) => {
      throw toInstallError(error, source.from)
    })
    return archive
  }
  if (context.offline) {
    throw new LmappError('offline', `${text} is not on this machine, and LMAPP_OFFLINE forbids fetching it.`, {
      hint: 'Install it from a folder or an archive of this machine, or unset LMAPP_OFFLINE',
    })
  }
  context.report(`fetching ${text}${version === undefined ? '' : ` ${version}`}`)
  const folder = join(work, 'fetched')
  return source.kind === 'npm'
    ? packNpm(version === undefined ? source.from : `${source.from}@${version}`, folder, context)
    : downloadWheel(version === undefined ? source.from : `${source.from}==${version}`, folder, context)
}

function assertSum({ source, sha256: wanted }: WantedPlugin, sha256: string): void {
  if (wanted === undefined || wanted === sha256) return
  const text = describeSource(source)
  throw new LmappError('checksum-mismatch', `${text} has another checksum than the list of backends says.`, {
    hint: 'Do not install it; tell who keeps the list',
    details: { source: text, wanted, sha256 },
  })
}

async function openWheel(file: string, from: string, sha256: string): Promise<FetchedPlugin> {
  const { member, text } = await readWheel(file, from)
  const manifest = parseSourceManifest(text, `${from}/${member}`)
  return { manifest, manifestText: text, sha256, content: { kind: 'wheel', file, member } }
}

async function openTarball(
  { archive, sha256, from }: { archive: string; sha256: string; from: string },
  staging: Staging,
  context: FetchContext,
): Promise<FetchedPlugin> {
  context.report(`unpacking ${from}`)
  const unpacked = join(staging.work, 'unpacked')
  const folder = join(staging.plugin, treeName)
  await mkdir(unpacked)
  await unpackTarball({ file: archive, name: from }, unpacked, context.limits)
  await rename(await findPluginFolder(unpacked, from), folder)
  context.signal.throwIfAborted()
  return { ...(await readManifest(folder, from)), sha256, content: { kind: 'tree', folder } }
}

/** The copy is read, and what is wrong is said of where it comes from: the copy is gone by then. */
async function readManifest(folder: string, from: string): Promise<Pick<FetchedPlugin, 'manifest' | 'manifestText'>> {
  const text = (await readSmallFile(join(folder, manifestFileName)))?.text
  const file = `${from}/${manifestFileName}`
  if (text === undefined) throw new LmappError('bad-input', `${file} is a link that leads nowhere.`, { hint: mend })
  return { manifest: parseSourceManifest(text, file), manifestText: text }
}

function parseSourceManifest(text: string, file: string): Manifest {
  try {
    return parseManifest(text, file)
  } catch (error) {
    if (!isLmappError(error, 'config-invalid')) throw error
    throw new LmappError('config-invalid', error.message, { hint: mend, details: { ...error.details }, cause: error })
  }
}

const mend = 'Correct the plugin, or tell its author'
