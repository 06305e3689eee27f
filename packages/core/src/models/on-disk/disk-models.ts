import type { Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { untilAborted } from 'lmapp-kit'
import type { Config } from '../../config/config.ts'
import type { Scratch } from '../file-reader.ts'
import { toSizeLabel } from '../gguf-facts.ts'
import type { DiskModel, DiskNotice, FileHeader, FoundFile } from './disk-model.ts'
import { createFileCache, type FileCache } from './file-cache.ts'
import { findFolderFiles, findHuggingFaceFiles, findLmStudioFiles } from './find-files.ts'
import { findOllamaFiles } from './find-ollama.ts'
import { type DiskRoot, findRoots } from './find-roots.ts'
import { nameModels } from './name-models.ts'
import { parseReadHeader, type ReadHeader, readFileHeader } from './parse-header.ts'
import { type ScanLimits, standardLimits, stat } from './walk.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface DiskModelsOptions {
  homeDir: string
  platform: NodeJS.Platform
  /** What was read of files is kept in `models-on-disk.json` in it. */
  cacheDir: string
  /** Of the process: where Ollama and the hub keep their files. */
  environment: Environment
  /** Read anew for each look. */
  settings: () => Promise<Config['models']>
  /** Folders that others list: lmapp's own. */
  leaveOut?: readonly string[]
  limits?: Partial<ScanLimits>
  now?: () => number
}

export interface DiskScan {
  models: DiskModel[]
  notices: DiskNotice[]
}

/** One file by its path: what it is, and how large. */
export interface DiskFile {
  sizeBytes: number
  modifiedAt: string
  header: FileHeader
}

/** The GGUF models that other programs and the user have on this machine. They are only ever read. */
export interface DiskModels {
  /** A front's environment may name places that the service's own does not. */
  remember(environment: Environment): void
  /**
   * As it is now; callers at the same time share one look. `taken`: names that are others' already.
   * With `maxAgeMs` an earlier look will do. Never throws for what is on the disk.
   */
  list(options?: { taken?: ReadonlySet<string>; maxAgeMs?: number }): Promise<DiskScan>
  /** Any model file; undefined for what is none, or cannot be read. */
  read(path: string): Promise<DiskFile | undefined>
}

export function createDiskModels(options: DiskModelsOptions): DiskModels {
  const now = options.now ?? Date.now
  const cache = createFileCache(join(options.cacheDir, 'models-on-disk.json'), now)
  const environments: Environment[] = [options.environment]
  let running: Promise<Found> | undefined
  let last: { found: Found; at: number } | undefined

  const look = async (): Promise<Found> => {
    const startedAt = now()
    const { scan, folders } = await options.settings()
    await cache.load()
    const roots = await findRoots({ ...options, environments, scan, folders })
    const found = await findAll(roots, cache, options)
    await cache.save()
    last = { found, at: startedAt }
    return found
  }

  return {
    remember(environment) {
      const told = Object.fromEntries(placeVariables.map((name) => [name, environment[name]]))
      const isNew = Object.values(told).some(Boolean) && !environments.some((each) => isSame(each, told))
      if (isNew && environments.length < mostEnvironments) environments.push(told)
    },
    async list({ taken = new Set<string>(), maxAgeMs = 0 } = {}) {
      const isRecent = last && now() - last.at < maxAgeMs
      running ??= isRecent ? undefined : look().finally(() => (running = undefined))
      const { files, notices } = (await running) ?? last?.found ?? nothing
      return { models: nameModels(files, taken).map(toModel), notices }
    },
    async read(path) {
      await cache.load()
      const stats = await stat(path).catch(() => undefined)
      if (!stats?.isFile()) return undefined
      const looked = await readCached(path, stats, { cache })
      if (!('header' in looked)) return undefined
      return { sizeBytes: stats.size, modifiedAt: stats.mtime.toISOString(), header: looked.header }
    },
  }
}

/** The variables by which other programs are told where to keep models. */
export const placeVariables = ['OLLAMA_MODELS', 'HF_HOME', 'HF_HUB_CACHE', 'XDG_CACHE_HOME', 'LLAMA_CACHE']
const mostEnvironments = 16
/** Headers that are read at once: each takes up to a megabyte of memory while it is. */
const readersAtOnce = 4
/** A file system that hangs is waited for no longer than this share of the time that a look may take. */
const graceShare = 1.2

interface Found {
  files: ReadFile[]
  notices: DiskNotice[]
}

const nothing: Found = { files: [], notices: [] }

/** A whole model, all its files together. */
interface ReadFile extends FoundFile {
  stats: Stats
  header: FileHeader
  sizeBytes: number
}

async function findAll(roots: readonly DiskRoot[], cache: FileCache, options: DiskModelsOptions): Promise<Found> {
  const limits = { ...standardLimits, ...options.limits }
  const signal = AbortSignal.timeout(limits.timeMs)
  const hard = AbortSignal.timeout(limits.timeMs * graceShare)
  const notices: DiskNotice[] = []
  const notice = (told: DiskNotice) => notices.push(told)
  const leftOut = new Set(options.leaveOut)
  const search = async (root: DiskRoot): Promise<ReadFile[]> => {
    try {
      const around = { cache, limits, signal, notice, isNamed: root.isNamed }
      const found = await untilAborted(findIn(root, around), hard)
      const candidates = found.filter(({ path }) => !leftOut.has(dirname(path)))
      return await untilAborted(readAll(candidates, { cache, notice }), hard)
    } catch (error) {
      if (!hard.aborted) throw error
      notice({ kind: 'limit', path: root.path, message: `${root.path} does not answer in time, and is left out.` })
      return []
    }
  }
  const files = (await Promise.all(roots.map(search))).flat()
  return { files: withoutRepeats(files), notices }
}

type Around = Parameters<typeof findFolderFiles>[2]

function findIn({ kind, path }: DiskRoot, around: Around): Promise<FoundFile[]> {
  switch (kind) {
    case 'ollama':
      return findOllamaFiles(path, around)
    case 'lm-studio':
      return findLmStudioFiles(path, around)
    case 'hugging-face':
      return findHuggingFaceFiles(path, around)
    case 'llama.cpp':
      return findFolderFiles(path, { program: 'llama.cpp', origin: 'llama.cpp' }, around)
    case 'folder':
      return findFolderFiles(path, { program: 'folder', origin: path }, around)
    default:
      return kind satisfies never
  }
}

interface Reading {
  cache: FileCache
  scratch?: Scratch
  notice(notice: DiskNotice): void
}

/** The models among the files, those in several files as one. */
async function readAll(found: readonly FoundFile[], reading: Reading): Promise<ReadFile[]> {
  const models: ReadFile[] = []
  const waiting = found.filter(({ path }) => (partNumber(path) ?? 1) === 1)
  const work = async () => {
    const scratch = { buffer: Buffer.alloc(0) }
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const model = await readModel(file, { ...reading, scratch })
      if (model) models.push(model)
    }
  }
  await Promise.all(Array.from({ length: readersAtOnce }, work))
  return models.sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0))
}

async function readModel(file: FoundFile, reading: Reading): Promise<ReadFile | undefined> {
  const { notice } = reading
  const stats = file.stats ?? (await stat(file.path).catch(() => undefined))
  if (!stats?.isFile()) {
    notice({
      kind: 'incomplete',
      path: file.path,
      message: `The file of "${file.names[0]}" is not there: ${file.path}.`,
    })
    return undefined
  }
  const read = await readCached(file.path, stats, reading)
  if (!('header' in read)) {
    notice({ kind: read.code ? 'unreadable' : 'broken', path: file.path, message: read.broken })
    return undefined
  }
  const { header } = read
  if (header.kind !== 'text' && header.kind !== 'encoder') return undefined
  const whole = { ...file, stats, header, sizeBytes: stats.size }
  return header.parts > 1 ? withParts(whole, reading) : whole
}

/** All parts must be there, and be whole. */
async function withParts(first: ReadFile, reading: Reading): Promise<ReadFile | undefined> {
  const { header, path } = first
  let [sizeBytes, parameterCount] = [first.sizeBytes, header.parameterCount]
  for (let part = 2; part <= header.parts; part += 1) {
    const partPath = toPartPath(path, part)
    const stats = partPath === undefined ? undefined : await stat(partPath).catch(() => undefined)
    const read = partPath !== undefined && stats ? await readCached(partPath, stats, reading) : undefined
    if (!stats || !read || !('header' in read)) {
      const why = read && 'broken' in read ? read.broken : 'it is not there'
      reading.notice({ kind: 'incomplete', path, message: `${path} lacks part ${part} of ${header.parts}: ${why}` })
      return undefined
    }
    sizeBytes += stats.size
    parameterCount += read.header.parameterCount
  }
  const isCounted = header.parameters === toSizeLabel(header.parameterCount)
  const parameters = isCounted ? toSizeLabel(parameterCount) : header.parameters
  return { ...first, sizeBytes, header: { ...header, parameterCount, parameters } }
}

function readCached(path: string, stats: Stats, { cache, scratch }: Omit<Reading, 'notice'>): Promise<ReadHeader> {
  return cache.get(path, stats, { read: () => readFileHeader(path, scratch), parse: parseReadHeader })
}

const partPattern = /-(\d{5})-of-(\d{5})\.gguf$/i

function partNumber(path: string): number | undefined {
  const [, part] = partPattern.exec(path) ?? []
  return part === undefined ? undefined : Number(part)
}

/** Of the first file: `…-00001-of-00003.gguf`. */
export function toPartPath(path: string, part: number): string | undefined {
  if (partNumber(path) !== 1) return undefined
  return path.replace(partPattern, (_, _first, all) => `-${String(part).padStart(5, '0')}-of-${all}.gguf`)
}

/** One file is one model, whichever programs know it, under the better known program's name; Ollama's names all stay. */
function withoutRepeats(files: readonly ReadFile[]): ReadFile[] {
  const kept = new Map<string, ReadFile>()
  const byRank = files.toSorted((one, other) => (other.rank ?? 0) - (one.rank ?? 0))
  const outdated = new Set<ReadFile>()
  const whole = new Set<string>()
  for (const file of byRank) {
    if (file.rank === undefined) continue
    const name = `${file.program} ${file.names.at(-1)}`
    if (whole.has(name)) outdated.add(file)
    whole.add(name)
  }
  return files.filter((file) => {
    if (outdated.has(file)) return false
    const identity = `${file.stats.dev}:${file.stats.ino}`
    const first = kept.get(identity)
    if (first && !(first.program === 'ollama' && file.program === 'ollama' && first.names[0] !== file.names[0]))
      return false
    if (!first) kept.set(identity, file)
    return true
  })
}

function toModel({
  name,
  program,
  origin,
  path,
  sizeBytes,
  stats,
  header,
  ...file
}: ReadFile & { name: string }): DiskModel {
  const license = header.license ?? file.license
  return {
    name,
    program,
    origin,
    path,
    sizeBytes,
    modifiedAt: stats.mtime.toISOString(),
    header,
    ...(file.digest !== undefined && { digest: file.digest }),
    ...(license !== undefined && { license }),
  }
}

function isSame(one: Environment, other: Environment): boolean {
  return placeVariables.every((name) => one[name] === other[name])
}
