import { chmod, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LmappError } from 'lmapp-kit'
import type { FetchProgress } from './models.ts'
import { describePlace, type SourcePlace } from './source-place.ts'

/** A program that is one file, in a place that the user chose or that is ours. */
export interface ProgramFile {
  /** As `llamafile-0.10.6`. */
  name: string
  place: SourcePlace
  /** The folder below the place, with slashes. */
  folder: string
  sizeBytes?: number | undefined
  /** Lower-case hex, known beforehand. Absent: the place must bring one along. */
  sha256?: string | undefined
}

export interface FetchProgramOptions {
  /** Proxies. */
  environment: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
  report(step: Pick<FetchProgress, 'status' | 'progress'>): void
  /** How long nothing may arrive, in milliseconds. */
  stallMs?: number
  /** In milliseconds; as many tries without any progress. */
  retryDelaysMs?: readonly number[]
}

/**
 * Brings the program to `target`, ready to be run: written aside, checked, renamed. A program that is not compared with
 * a checksum is never put there. What arrived is kept for the next try. The folder of `target` is made.
 * Throws `checksum-mismatch`, `download-failed`, `path-unusable`, `disk-full` and the abort reason.
 */
export async function fetchProgram(file: ProgramFile, target: string, options: FetchProgramOptions): Promise<void> {
  const [{ makeFolder, syncFolder, toDiskError }, { removePartIdentity }] = await Promise.all([
    import('./disk.ts'),
    import('./part-file.ts'),
  ])
  const folder = dirname(target)
  const partPath = `${target}.part`
  await makeFolder(folder)
  const sha256 = file.sha256 ?? (await findSum(file, options))
  if (sha256 === undefined) throw toUnknown(file)
  await bring({ ...file, sha256 }, partPath, options)
  try {
    if ((await stat(partPath)).nlink === 1) await chmod(partPath, 0o755)
    await rename(partPath, target)
    await syncFolder(folder)
  } catch (error) {
    throw toDiskError(error, target)
  }
  await removePartIdentity(partPath)
}

const standardStallMs = 30_000
const standardDelaysMs = [500, 2000, 5000]

function toDownloadOptions({ environment, signal, report, stallMs, retryDelaysMs }: FetchProgramOptions) {
  const settings = { stallMs: stallMs ?? standardStallMs, retryDelaysMs: retryDelaysMs ?? standardDelaysMs }
  return { environment, signal, report, settings }
}

async function bring(file: ProgramFile, partPath: string, options: FetchProgramOptions): Promise<void> {
  const { name, place, sizeBytes, sha256 } = file
  const wanted = { name, source: describePlace(place), sizeBytes, sha256 }
  if (place.kind === 'folder') {
    const { bringLocal } = await import('./local-file.ts')
    const path = join(place.path, file.folder, name)
    await bringLocal({ ...wanted, path }, partPath, { ...options, mayLink: true, isProgram: true })
    return
  }
  const { download } = await import('./download.ts')
  await download({ ...wanted, url: toUrl(file, name) }, partPath, toDownloadOptions(options))
}

const toUrl = ({ place, folder }: ProgramFile, name: string): string =>
  place.kind === 'address' ? `${place.url}/${folder}/${encodeURIComponent(name)}` : ''

async function findSum(file: ProgramFile, options: FetchProgramOptions): Promise<string | undefined> {
  const { checksumFiles, findChecksum, readChecksumBeside } = await import('./checksums.ts')
  const { name, place } = file
  if (place.kind === 'folder') {
    const { findLocal } = await import('./local-file.ts')
    const path = join(place.path, file.folder, name)
    await findLocal({ path })
    return readChecksumBeside(path)
  }
  for (const list of checksumFiles(name)) {
    options.report({ status: `asking ${new URL(place.url).host} for ${list}` })
    const found = findChecksum(await readList(file, list, options), name, list !== 'SHA256SUMS')
    if (found !== undefined) return found
  }
  return undefined
}

/** Empty where there is none. */
async function readList(file: ProgramFile, list: string, options: FetchProgramOptions): Promise<string> {
  const [{ assertSuccess, retrying }, { get, readText }, { longestChecksums }] = await Promise.all([
    import('./download.ts'),
    import('./http.ts'),
    import('./checksums.ts'),
  ])
  const { settings, ...asked } = toDownloadOptions(options)
  const source = describePlace(file.place)
  return retrying({ settings, ...asked }, source, async () => {
    const response = await get(toUrl(file, list), { ...asked, stallMs: settings.stallMs })
    try {
      if (response.statusCode === 404 || response.statusCode === 403) return ''
      assertSuccess(response.statusCode, response.headers, source)
      return await readText(response, longestChecksums)
    } finally {
      response.destroy()
    }
  })
}

function toUnknown({ name, place }: ProgramFile): LmappError {
  const message = `${describePlace(place)} has no checksum of ${name}, and lmapp knows none: it would run what nobody checked.`
  return new LmappError('checksum-mismatch', message, {
    hint: `Put its SHA-256 beside it, as ${name}.sha256 or in SHA256SUMS`,
    details: { name, place: describePlace(place) },
  })
}
