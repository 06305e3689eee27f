import { join } from 'node:path'
import { LmappError } from 'lmapp-kit'
import type { FetchProgress, LibraryModel, ModelFormat } from './models.ts'

/** What every source of models works with. */
export interface FetchContext {
  modelsDir: string
  cacheDir: string
  /** Of the library, with that of the front over it. */
  environment: Readonly<Record<string, string | undefined>>
  offline: boolean
  /** In place of the hub, as configured: a mirror's address or a folder. */
  huggingFace: string | undefined
  /** Of the machine that is to run what is fetched. */
  platform: NodeJS.Platform
  signal: AbortSignal
  /** What is here already. */
  installed: readonly LibraryModel[]
  report(step: Omit<FetchProgress, 'done'>): void
  settings: FetchSettings
}

export interface FetchSettings {
  /** How long nothing may arrive from a server, in milliseconds. */
  stallMs: number
  /** Pauses before another try after a failure that passes, in milliseconds; as many tries without any progress. */
  retryDelaysMs: readonly number[]
  /** Command lines of Python, tried in order. */
  python: readonly (readonly string[])[]
  /** Further arguments of `pip download`. */
  pipArguments: readonly string[]
}

/** What is known beforehand of the file that is wanted. */
export interface WantedFile {
  name?: string
  sha256?: string
  sizeBytes?: number
}

/** A whole file at `partPath`, on disk, not yet looked at. */
export interface FetchedFile {
  name: string
  partPath: string
  sha256: string
  sizeBytes: number
  /** As `hf:owner/repo:Q4_K_M`. */
  source: string
  format: ModelFormat
  /** It was compared with a checksum that was known beforehand. */
  isProven: boolean
}

export function assertOnline(context: FetchContext, what: string): void {
  if (!context.offline) return
  throw new LmappError('offline', `${what} is not on this machine, and LMAPP_OFFLINE forbids fetching it.`)
}

/** The abort reason when that says more than "aborted". */
export function toCancelled(signal: AbortSignal): LmappError {
  if (signal.reason instanceof LmappError) return signal.reason
  return new LmappError('cancelled', 'The fetch was cancelled.', {
    hint: 'Fetch it again: it goes on where it stopped, if the source can',
    cause: signal.reason,
  })
}

/** A name for a file that nobody gave one: from the file's, with its origin in front where that is taken by another. */
export function chooseName(file: string, origin: string, sha256: string | undefined, context: FetchContext): string {
  const base = toName(file)
  const format = formatOf(file)
  const taken = context.installed.some(
    (model) => model.name === base && model.format === format && model.sha256 !== sha256,
  )
  return taken ? toName(`${origin}-${base}`) : base
}

/** By the name of a file. */
export function formatOf(path: string): ModelFormat {
  return /\.llamafile$/i.test(path) ? 'llamafile' : 'gguf'
}

/** Where a model is written until it is whole. */
export const partPathOf = (modelsDir: string, name: string, format: ModelFormat): string =>
  join(modelsDir, `${name}.${format}.part`)

function toName(path: string): string {
  const file = path.split('/').at(-1) ?? path
  const name = file
    .toLowerCase()
    .replace(/\.(llamafile|gguf(\.part\d+)?)$/, '')
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
  return name === '' ? 'model' : name
}

/** Reports steps of half a percent, and the end. */
export function createByteReporter(context: Pick<FetchContext, 'report'>, status: string, total: number | undefined) {
  let reported = Number.NEGATIVE_INFINITY
  return (done: number): void => {
    if (done !== total && done - reported < (total ?? 0) / 200) return
    reported = done
    context.report({ status, progress: { done, unit: 'bytes', ...(total !== undefined && { total }) } })
  }
}
