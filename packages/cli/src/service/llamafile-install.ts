import { mkdir, readdir, stat, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import {
  describePlace,
  type FetchProgramOptions,
  fetchProgram,
  parseSourcePlace,
  type SourcePlace,
} from '@lmapp/core/models'
import { createChannel, LmappError, type Status } from 'lmapp-kit'
import { type ServiceLock, tryServiceLock } from './service-lock.ts'

/** Installed where no other is named. Rebuilt on a current llama.cpp, as all of 0.10. */
export const llamafileVersion = '0.10.6'
export const llamafileLicense = 'Apache-2.0'

/** Where the engine comes from when the configuration names no other place. */
const releases = 'https://github.com/mozilla-ai/llamafile/releases/download'

/** What GitHub says of the file `llamafile-VERSION` of a release: one file for all systems. */
const knownReleases: Readonly<Record<string, { sha256: string; sizeBytes?: number }>> = {
  '0.10.6': { sha256: 'd579f61dcd3a306f518e6d90e599d77793ed5f09543023d09c96ad35fcfa63f0', sizeBytes: 368_094_430 },
  '0.10.3': { sha256: 'e6d4041a82ca37cee15aab62e6826d7a61c6a3ea83bca68387958970df250883' },
}

const supported: ReadonlySet<string> = new Set(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64'])

export interface LlamafileInstallation {
  /** One folder a version below it. */
  enginesDir: string
  /** `sources.llamafile` of the configuration. */
  source?: string | undefined
  version?: string
  platform?: NodeJS.Platform
  arch?: string
}

/** What an installation would do. */
export interface LlamafilePlan {
  version: string
  place: SourcePlace
  /** For people. */
  from: string
  /** Where the program will be. */
  path: string
  sizeBytes?: number
  isHere: boolean
}

/** Looks at the machine only, never at the network. Throws `unsupported`, `bad-input` and `config-invalid`. */
export async function planLlamafile(installation: LlamafileInstallation): Promise<LlamafilePlan> {
  const { enginesDir, version = llamafileVersion, platform = process.platform, arch = process.arch } = installation
  if (!supported.has(`${platform}-${arch}`)) {
    throw new LmappError('unsupported', `llamafile does not run on ${platform}-${arch}.`, {
      hint: 'Another engine may: lmapp doctor',
      details: { platform, arch },
    })
  }
  if (!versionPattern.test(version)) {
    throw new LmappError('bad-input', `"${version}" is no version of llamafile.`, {
      hint: `As: lmapp backends install llamafile@${llamafileVersion}`,
    })
  }
  const place = parseSourcePlace(installation.source || releases, 'sources.llamafile')
  const path = join(enginesDir, `${folderPrefix}${version}`, programName(platform))
  const sizeBytes = knownReleases[version]?.sizeBytes ?? (await sizeIn(place, version))
  const isHere = await isThere(path)
  return { version, place, from: describePlace(place), path, isHere, ...(sizeBytes !== undefined && { sizeBytes }) }
}

export interface LlamafileFetching {
  signal: AbortSignal
  offline: boolean
  /** Proxies. */
  environment: NodeJS.ProcessEnv
  /** In milliseconds, as in `fetchProgram`. */
  stallMs?: number
  retryDelaysMs?: readonly number[]
}

/**
 * Brings the engine, whole and checked, ready to be run. Ends at once when it is there. Two installations at once, of
 * whichever processes, are one download. Throws `offline`, what `planLlamafile` throws and what `fetchProgram` throws.
 */
export async function* installLlamafile(
  installation: LlamafileInstallation,
  fetching: LlamafileFetching,
): AsyncGenerator<Status> {
  const plan = await planLlamafile(installation)
  const { version, place, path, sizeBytes, isHere } = plan
  if (isHere) return markAsNewest(path)
  if (fetching.offline && place.kind === 'address') {
    throw new LmappError('offline', `llamafile ${version} is not installed, and LMAPP_OFFLINE forbids fetching it.`, {
      hint: 'Unset LMAPP_OFFLINE, or name a folder that has it: lmapp config set sources.llamafile /FOLDER',
    })
  }
  using _turn = yield* waitForTurn(dirname(path), fetching.signal)
  if (await isThere(path)) return
  const channel = createChannel<Status>({ capacity: 64, signal: fetching.signal })
  const file = { name: `llamafile-${version}`, place, folder: version, sizeBytes, ...knownReleases[version] }
  const options = { ...fetching, signal: channel.closed, report: (step: Reported) => void channel.push(toStatus(step)) }
  void fetchProgram(file, path, options).then(channel.end, channel.fail)
  yield* channel.items
}

/** The engine that was installed last, or undefined. */
export async function findLlamafile(
  enginesDir: string,
  platform: NodeJS.Platform = process.platform,
): Promise<{ path: string; version: string } | undefined> {
  const folders = (await readdir(enginesDir).catch(() => [])).filter((name) => name.startsWith(folderPrefix))
  const found = folders.map(async (folder) => {
    const path = join(enginesDir, folder, programName(platform))
    if (!(await isThere(path))) return []
    const { mtimeMs: installedAt } = await stat(dirname(path))
    return [{ path, version: folder.slice(folderPrefix.length), installedAt }]
  })
  const [newest] = (await Promise.all(found)).flat().sort((one, other) => other.installedAt - one.installedAt)
  return newest && { path: newest.path, version: newest.version }
}

const folderPrefix = 'llamafile-'
const versionPattern = /^\d[\w.+-]*$/
const turnMs = 200

const programName = (platform: NodeJS.Platform): string => (platform === 'win32' ? 'llamafile.exe' : 'llamafile')

async function sizeIn(place: SourcePlace, version: string): Promise<number | undefined> {
  if (place.kind === 'address') return undefined
  return (await stat(join(place.path, version, `llamafile-${version}`)).catch(() => undefined))?.size
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/** A folder's date is when something was last put into it; the file may be a second name of the user's own. */
async function markAsNewest(path: string): Promise<void> {
  const now = new Date()
  await utimes(dirname(path), now, now)
}

/** Whoever holds the lock file of the folder fetches into it; it is released however he ends. The folder is made. */
export async function* waitForTurn(folder: string, signal: AbortSignal): AsyncGenerator<Status, ServiceLock> {
  await makeEngineFolder(folder)
  for (let turns = 0; ; turns += 1) {
    const lock = tryServiceLock(join(folder, 'install.lock'))
    if (lock) return lock
    if (turns === 0) yield { type: 'status', phase: 'fetching', message: 'Another lmapp is fetching it; waiting.' }
    await pause(turnMs, undefined, { signal })
  }
}

async function makeEngineFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new LmappError('path-unusable', `The folder ${folder} cannot be made (${code}).`, {
      details: { path: folder },
      cause,
    })
  }
}

type Reported = Parameters<FetchProgramOptions['report']>[0]

function toStatus({ status, progress }: Reported): Status {
  return { type: 'status', phase: 'fetching', message: status, ...(progress && { progress }) }
}
