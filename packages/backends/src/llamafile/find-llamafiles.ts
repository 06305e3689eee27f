import { open, readdir, stat } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import { findProgram, isProgram } from '../processes/index.ts'

/** A llamafile on this machine. It is known by how it begins and what it is called; it is never run for that. */
export interface FoundLlamafile {
  path: string
  /** Without its ending. */
  name: string
  sizeBytes: number
  /** ISO 8601. */
  modifiedAt: string
  /** It has a model in itself; else it runs those of others. */
  holdsModel: boolean
  /** It may be run as it is. */
  executable: boolean
}

export interface FindLlamafilesOptions {
  folders: readonly string[]
  /** `PATH` is read. */
  environment: Readonly<Record<string, string | undefined>>
  platform?: NodeJS.Platform
}

/** Where people put them. */
export function usualLlamafileFolders(homeDir: string): string[] {
  return ['Downloads', 'llamafile', 'llamafiles', '.llamafile', '.local/bin', 'bin'].map((name) => join(homeDir, name))
}

/** The program named `llamafile` along PATH, then those of the folders, in their order; each once. */
export async function findLlamafiles({
  folders,
  environment,
  platform = process.platform,
}: FindLlamafilesOptions): Promise<FoundLlamafile[]> {
  const onPath = await findProgram('llamafile', { environment, platform })
  const inFolders = await Promise.all(folders.filter(isAbsolute).map(listCandidates))
  const paths = new Set([...(onPath === undefined ? [] : [onPath]), ...inFolders.flat()])
  const found = await Promise.all([...paths].map((path) => describeLlamafile(path, platform)))
  return found.filter((each) => each !== undefined)
}

async function listCandidates(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names
    .filter(isNamedLikeOne)
    .sort()
    .map((name) => join(folder, name))
}

function isNamedLikeOne(name: string): boolean {
  return /\.llamafile(\.exe)?$/i.test(name) || /^llamafile(-?v?\d[\d.]*)?(\.exe)?$/i.test(name)
}

/** Undefined for what is none, whatever it is called. */
export async function describeLlamafile(
  path: string,
  platform: NodeJS.Platform = process.platform,
): Promise<FoundLlamafile | undefined> {
  try {
    const { size, mtime } = await stat(path)
    const executable = await isProgram(path, platform)
    const kind = await readKind(path)
    // A program of another kind of file is known only by its name, so it has to be one that was made to be run.
    if (kind === undefined || (kind === 'native' && !executable)) return undefined
    return {
      path,
      name: basename(path)
        .replace(/\.exe$/i, '')
        .replace(/\.llamafile$/i, ''),
      sizeBytes: size,
      modifiedAt: mtime.toISOString(),
      holdsModel: /\.llamafile(\.exe)?$/i.test(path),
      executable,
    }
  } catch {
    return undefined
  }
}

/** How a program of Cosmopolitan begins that every system runs, and those of one system alone. */
const portableMagics = ["MZqFpD='", 'jartsr=']
const nativeMagics = ['7f454c46', 'cffaedfe', 'feedfacf', 'cafebabe']

async function readKind(path: string): Promise<'portable' | 'native' | undefined> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0)
  const start = buffer.subarray(0, bytesRead)
  if (portableMagics.some((magic) => start.toString('latin1').startsWith(magic))) return 'portable'
  return nativeMagics.includes(start.subarray(0, 4).toString('hex')) ? 'native' : undefined
}
