import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** `~/` is the home folder, as a shell would have it. */
export function toPath(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path
}

/** Which of these programs are not there to be started. */
export async function findMissing(programs: Iterable<string>, searchPath = ''): Promise<string[]> {
  const missing: string[] = []
  for (const program of new Set(programs)) if (!(await isThere(program, searchPath))) missing.push(program)
  return missing
}

async function isThere(program: string, searchPath: string): Promise<boolean> {
  const folders = searchPath.split(':').filter(isAbsolute)
  const places = program.includes('/') ? [toPath(program)] : folders.map((folder) => join(folder, program))
  for (const place of places) if (await isExecutable(place)) return true
  return false
}

function isExecutable(place: string): Promise<boolean> {
  return access(place, constants.X_OK).then(
    () => true,
    () => false,
  )
}
