import type { Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { type IgnoreRules, loadIgnoreRules } from './ignore-rules.ts'
import { limits } from './limits.ts'

/** A file in a folder that was given, by its place on the disk and by the name that the model sees. */
export interface FoundFile {
  path: string
  /** Begins with the folder's own name; `/` between. */
  name: string
}

export interface WalkedFolder {
  files: FoundFile[]
  /** How many entries git ignores; what is below an ignored folder is not looked at. */
  ignored: number
  /** How many are links, pipes or devices. */
  special: number
}

/**
 * The files of a folder in a fixed order, without what git ignores, without `.git` and without following links.
 * Throws `bad-input` for a folder that is larger than anybody means to send.
 */
export async function walkFolder(
  folder: string,
  shown: string,
  mostEntries: number = limits.entriesOfFolder,
): Promise<WalkedFolder> {
  const walked: WalkedFolder = { files: [], ignored: 0, special: 0 }
  const top = basename(folder)
  let seen = 0

  async function walk(current: string, rules: IgnoreRules): Promise<void> {
    for (const entry of await list(current)) {
      const path = join(current, entry.name)
      if (entry.name === '.git') continue
      if (rules.ignores(path, entry.isDirectory())) walked.ignored += 1
      else if (entry.isDirectory()) await walk(path, await rules.enter(path))
      else if (entry.isFile()) walked.files.push({ path, name: [top, ...relative(folder, path).split(sep)].join('/') })
      else walked.special += 1
    }
  }

  async function list(current: string): Promise<Dirent[]> {
    const entries: Dirent[] = []
    try {
      for await (const entry of await opendir(current)) {
        seen += 1
        if (seen > mostEntries) throw tooMany(shown, mostEntries)
        entries.push(entry)
      }
    } catch (cause) {
      if (cause instanceof LmappError) throw cause
      if (current !== folder) return []
      const { code } = cause as NodeJS.ErrnoException
      throw new LmappError('bad-input', `The folder ${shown} could not be read (${code}).`, {
        hint: 'Check the path given with -f',
        cause,
      })
    }
    return entries.sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  await walk(folder, await loadIgnoreRules(folder))
  return walked
}

function tooMany(shown: string, most: number): LmappError {
  const count = most.toLocaleString('en')
  return new LmappError('bad-input', `The folder ${shown} holds more than ${count} files and folders.`, {
    hint: 'Give a folder below it, or single files',
  })
}
