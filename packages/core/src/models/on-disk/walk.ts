import { type Stats, stat as statByCallback } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DiskNotice } from './disk-model.ts'
import { type FileCache, toRecord } from './file-cache.ts'

/** Half the price of the one that makes promises itself, and a look at a disk is little else. */
export const stat = promisify(statByCallback)

/** What a look at a disk may cost. */
export interface ScanLimits {
  /** Names read, below one root. */
  entries: number
  /** Folders below folders. */
  depth: number
  /** Of the whole scan; what was found until then counts. */
  timeMs: number
}

export const standardLimits: ScanLimits = { entries: 50_000, depth: 8, timeMs: 5_000 }

export interface WalkOptions {
  root: string
  /** Which names are wanted, for the cache: walks with the same word keep the same files. */
  filter: 'gguf' | 'all'
  /** Whether to go into a folder, by its path from the root. */
  enters(segments: readonly string[]): boolean
  cache: FileCache
  limits: ScanLimits
  signal: AbortSignal
  notice(notice: DiskNotice): void
  /** Whether the user named the root: then its absence is told. */
  isNamed?: boolean
}

export interface WalkedFile {
  path: string
  /** From the root; the last one is the file's name. */
  segments: readonly string[]
  stats: Stats
}

/** The files below a folder, links followed, each folder once. What cannot be read is told, and passed over. */
export async function walk(options: WalkOptions): Promise<WalkedFile[]> {
  const found: WalkedFile[] = []
  const state = { left: options.limits.entries, visited: new Set<string>(), found, options, told: false }
  await walkFolder(options.root, [], state)
  return found
}

interface WalkState {
  left: number
  visited: Set<string>
  found: WalkedFile[]
  options: WalkOptions
  told: boolean
}

/** Names of a folder; of links nobody knows yet what they lead to. */
interface Listing {
  folders: string[]
  files: string[]
  links: string[]
  /** How many names were read. */
  read: number
  isCut: boolean
}

async function walkFolder(folder: string, segments: readonly string[], state: WalkState): Promise<void> {
  const { options } = state
  if (options.signal.aborted || state.left <= 0) return tellLimit(state)
  try {
    const stats = await stat(folder)
    const identity = `${stats.dev}:${stats.ino}`
    if (!stats.isDirectory() || state.visited.has(identity)) return
    state.visited.add(identity)
    const listing = await list(folder, stats, state)
    state.left -= listing.read
    if (listing.isCut) tellLimit(state)
    await follow(folder, segments, listing, state)
  } catch (error) {
    tellUnreadable(folder, segments, error, options)
  }
}

async function follow(folder: string, segments: readonly string[], listing: Listing, state: WalkState): Promise<void> {
  const isDeep = segments.length >= state.options.limits.depth
  const below = (name: string) => [...segments, name]
  const enter = async (name: string) => {
    if (isDeep) tellLimit(state)
    else if (state.options.enters(below(name))) await walkFolder(join(folder, name), below(name), state)
  }
  const take = async (name: string) => {
    const path = join(folder, name)
    try {
      const stats = await stat(path)
      if (stats.isFile()) state.found.push({ path, segments: below(name), stats })
      else if (stats.isDirectory()) await enter(name)
    } catch (error) {
      tellUnreadable(path, below(name), error, state.options)
    }
  }
  await Promise.all([...listing.folders.map(enter), ...listing.files.map(take), ...listing.links.map(take)])
}

/** Names of a folder that did not change are not read again. */
function list(folder: string, stats: Stats, { left, options }: WalkState): Promise<Listing> {
  const key = `${options.filter} ${folder}`
  return options.cache.get(key, stats, { read: () => read(folder, left, options), parse: parseListing })
}

async function read(folder: string, most: number, { filter, signal }: WalkOptions): Promise<Listing> {
  const listing: Listing = { folders: [], files: [], links: [], read: 0, isCut: false }
  for await (const entry of await opendir(folder, { bufferSize: 128 })) {
    if (listing.read >= most || signal.aborted) return { ...listing, isCut: true }
    listing.read += 1
    if (entry.name.startsWith('.')) continue
    const isWanted = filter === 'all' || /\.gguf$/i.test(entry.name)
    if (entry.isDirectory()) listing.folders.push(entry.name)
    else if (entry.isSymbolicLink() && !(filter === 'gguf' && otherFile.test(entry.name)))
      listing.links.push(entry.name)
    else if (isWanted && entry.isFile()) listing.files.push(entry.name)
  }
  return listing
}

/** What lies beside models in a repository; such links need no look at what they lead to. */
const otherFile = /\.(json|safetensors|txt|md|bin|model|py|jinja|onnx|pt|pth|h5|msgpack|png|jpe?g)$/i

function parseListing(value: unknown): Listing | undefined {
  const { folders, files, links, read, isCut } = toRecord(value)
  if (!isNames(folders) || !isNames(files) || !isNames(links)) return undefined
  return typeof read === 'number' && isCut === false ? { folders, files, links, read, isCut } : undefined
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && !/[/\\]|^\.\.?$/.test(name))
}

function tellLimit(state: WalkState): void {
  if (state.told) return
  state.told = true
  const { root, limits, signal, notice } = state.options
  const why = signal.aborted
    ? `took longer than ${limits.timeMs / 1000} seconds`
    : state.left <= 0
      ? `holds more than ${limits.entries.toLocaleString('en')} names`
      : `goes deeper than ${limits.depth} folders`
  notice({ kind: 'limit', path: root, message: `${root} ${why}: what lies beyond was not looked at.` })
}

function tellUnreadable(path: string, segments: readonly string[], error: unknown, options: WalkOptions): void {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) throw error
  const isGone = code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP'
  if (isGone && !(segments.length === 0 && options.isNamed)) return
  options.notice({ kind: 'unreadable', path, message: `${path} cannot be read (${code}).` })
}
