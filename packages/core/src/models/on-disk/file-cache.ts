import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What was read of a file, kept until the file is another one. */
export interface FileCache {
  /** `read` is called when the file is not known as it is now. `parse` refuses what a broken cache holds, by undefined. */
  get<T>(path: string, stats: Stats, use: { read(): Promise<T>; parse(value: unknown): T | undefined }): Promise<T>
  load(): Promise<void>
  /** Writes what changed, and forgets what nobody asked for since the save before the last. A disk that refuses costs only time. */
  save(): Promise<void>
}

/** Enough for any machine; beyond that, files are read anew each time. */
const mostEntries = 20_000
const formatVersion = 1
/** A change within the same tick of the file system's clock would not be seen. */
const freshMs = 2_500

interface Entry {
  size: number
  mtimeMs: number
  ino: number
  value: unknown
}

export function createFileCache(cacheFile: string, now: () => number = Date.now): FileCache {
  const entries = new Map<string, Entry>()
  const usedIn = new Map<string, number>()
  let round = 0
  let loading: Promise<void> | undefined
  let changed = false

  return {
    load: () => {
      loading ??= loadEntries(cacheFile, entries)
      return loading
    },
    async get(path, stats, { read, parse }) {
      usedIn.set(path, round)
      const { size, mtimeMs, ino } = stats
      const kept = entries.get(path)
      if (kept && kept.size === size && kept.mtimeMs === mtimeMs && kept.ino === ino) {
        const value = parse(kept.value)
        if (value !== undefined) return value
      }
      const value = await read()
      const age = now() - mtimeMs
      const isFresh = age >= 0 && age < freshMs
      if (isFresh) changed = entries.delete(path) || changed
      else if (kept || entries.size < mostEntries) {
        entries.set(path, { size, mtimeMs, ino, value })
        changed = true
      }
      return value
    },
    async save() {
      for (const path of entries.keys()) {
        if ((usedIn.get(path) ?? 0) < round - 1) changed = entries.delete(path) || changed
      }
      round += 1
      if (!changed) return
      changed = false
      await saveEntries(cacheFile, entries)
    },
  }
}

async function loadEntries(cacheFile: string, entries: Map<string, Entry>): Promise<void> {
  const text = await readFile(cacheFile, 'utf8').catch(() => '')
  for (const [path, entry] of parseEntries(text)) entries.set(path, entry)
}

/** Nothing of a cache that is broken, or of another version. */
function parseEntries(text: string): [string, Entry][] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return []
  }
  const { version, files } = toRecord(value)
  if (version !== formatVersion) return []
  return Object.entries(toRecord(files))
    .slice(0, mostEntries)
    .flatMap(([path, entry]) => {
      const { size, mtimeMs, ino, value } = toRecord(entry)
      const isWhole = typeof size === 'number' && typeof mtimeMs === 'number' && typeof ino === 'number'
      return isWhole ? [[path, { size, mtimeMs, ino, value }] as [string, Entry]] : []
    })
}

async function saveEntries(cacheFile: string, entries: Map<string, Entry>): Promise<void> {
  const aside = `${cacheFile}.${randomBytes(4).toString('hex')}`
  try {
    await mkdir(dirname(cacheFile), { recursive: true, mode: 0o700 })
    await writeFile(aside, JSON.stringify({ version: formatVersion, files: Object.fromEntries(entries) }), {
      mode: 0o600,
    })
    await rename(aside, cacheFile)
  } catch {
    await rm(aside, { force: true }).catch(() => {})
  }
}

export function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
