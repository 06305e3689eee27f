import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'

export interface FindProgramOptions {
  /** `PATH`, and on Windows `PATHEXT`, are read. */
  environment: Readonly<Record<string, string | undefined>>
  /** Looked into after `PATH`. */
  folders?: readonly string[]
  platform?: NodeJS.Platform
}

/** Where a program is that could be started, or undefined. A name with a slash in it is a path already. */
export async function findProgram(name: string, options: FindProgramOptions): Promise<string | undefined> {
  const { environment, folders = [], platform = process.platform } = options
  const names = platform === 'win32' ? withExtensions(name, environment.PATHEXT) : [name]
  const inFolders = [...(environment.PATH ?? '').split(platform === 'win32' ? ';' : ':'), ...folders]
  const places = /[/\\]/.test(name)
    ? names
    : inFolders.filter(isAbsolute).flatMap((folder) => names.map((file) => join(folder, file)))
  for (const place of places) if (await isProgram(place, platform)) return place
  return undefined
}

function withExtensions(name: string, extensions = '.EXE;.CMD;.BAT'): string[] {
  if (/\.[a-z]{3}$/i.test(name)) return [name]
  return extensions.split(';').map((extension) => name + extension.toLowerCase())
}

export async function isProgram(path: string, platform: NodeJS.Platform = process.platform): Promise<boolean> {
  try {
    if (platform !== 'win32') await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
