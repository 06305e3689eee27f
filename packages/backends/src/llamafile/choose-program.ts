import { chmod } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { LmappError } from 'lmapp-kit'
import type { ModelFile } from '../model-processes/index.ts'
import type { FoundLlamafile } from './find-llamafiles.ts'

/** How a model is run: by the program that it is, or by another one. */
export interface Choice {
  program: string
  ownModel: boolean
}

export interface ChooseOptions {
  /** The configured program. */
  command: string | undefined
  /** Found on this machine. */
  found: readonly FoundLlamafile[]
  platform: NodeJS.Platform
}

/**
 * A `.llamafile` runs itself, except on Windows, which runs neither this ending nor more than 4 GB: there, as with a GGUF
 * everywhere, a bare llamafile runs it. Throws `backend-start-failed` where there is none.
 */
export function chooseProgram(model: Pick<ModelFile, 'path'>, { command, found, platform }: ChooseOptions): Choice {
  const isOwn = model.path === command || /\.llamafile(\.exe)?$/i.test(model.path)
  if (isOwn && (platform !== 'win32' || model.path === command)) return { program: model.path, ownModel: true }
  const program = command ?? chooseBare(found)?.path
  if (program !== undefined) return { program, ownModel: false }
  throw new LmappError('backend-start-failed', 'No llamafile is on this machine that could run a model file.', {
    hint: 'Fetch it: lmapp backends install llamafile',
    details: { model: model.path },
  })
}

/** One that may be run before one that may not. */
export function chooseBare(found: readonly FoundLlamafile[]): FoundLlamafile | undefined {
  const bare = found.filter(({ holdsModel }) => !holdsModel)
  return bare.find(({ executable }) => executable) ?? bare[0]
}

/** What a person does about a file that was downloaded and not made executable. */
export function toChmod(path: string): string {
  return `chmod +x '${path.replaceAll("'", "'\\''")}'`
}

/** Our own downloads we make executable; a stranger's file stays as it is. Throws `backend-start-failed`. */
export async function ensureExecutable(
  found: Pick<FoundLlamafile, 'path' | 'executable'>,
  ownFolder: string | undefined,
): Promise<void> {
  if (found.executable) return
  if (ownFolder !== undefined && resolve(dirname(found.path)) === resolve(ownFolder)) {
    await chmod(found.path, 0o755).catch(() => {})
    return
  }
  throw new LmappError('backend-start-failed', `${found.path} is not executable.`, {
    hint: `Run: ${toChmod(found.path)}`,
    details: { program: found.path },
  })
}
