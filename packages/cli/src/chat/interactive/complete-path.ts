import { opendir } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Completing, Completion } from './chat.ts'
import type { Candidate } from './editor/index.ts'
import { toPath } from './words.ts'

/** Of a folder with a million files not all are looked at. */
const mostRead = 20_000
const mostOffered = 200

/** The last path in what was typed. What cannot be read has no candidates. */
export async function completePath({ context }: Pick<Completing, 'context'>, typed: string): Promise<Completion> {
  const word = /(?:\\.|[^\s\\])*$/.exec(typed)?.[0] ?? ''
  const slash = word.lastIndexOf('/')
  const folder = word.slice(0, slash + 1)
  const begin = withoutBackslashes(word.slice(slash + 1))
  const place = resolve(context.directory, toPath(withoutBackslashes(folder), context))
  const names = await readNames(place, begin)
  const candidates = names.map((name): Candidate => ({ insert: folder + withBackslashes(name), label: name }))
  return { candidates, from: typed.length - word.length }
}

async function readNames(place: string, begin: string): Promise<string[]> {
  const names: string[] = []
  try {
    let read = 0
    for await (const entry of await opendir(place)) {
      if (++read > mostRead) break
      const isWanted = entry.name.startsWith(begin) && (begin !== '' || !entry.name.startsWith('.'))
      if (isWanted) names.push(entry.isDirectory() ? `${entry.name}/` : entry.name)
    }
  } catch {
    return []
  }
  return names.sort().slice(0, mostOffered)
}

function withBackslashes(name: string): string {
  return name.replace(/[\s\\"']/g, '\\$&')
}

function withoutBackslashes(text: string): string {
  return text.replace(/\\(.)/g, '$1')
}
