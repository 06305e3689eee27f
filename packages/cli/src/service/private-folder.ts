import { lstatSync, mkdirSync } from 'node:fs'
import { LmappError } from 'lmapp-kit'

/**
 * Makes sure of a folder that only this user can enter: mode 0700, own, no symbolic link.
 * Where others may write (the temporary folder), somebody could have put one there first: then it is refused.
 */
export function ensurePrivateFolder(folder: string, uid: number | undefined = process.getuid?.()): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw unusable(folder, `it cannot be made (${(error as NodeJS.ErrnoException).code})`, error)
  }
  const found = lstatSync(folder)
  if (found.isSymbolicLink() || !found.isDirectory()) throw unusable(folder, 'it is no folder of its own')
  if (uid === undefined) return
  if (found.uid !== uid) throw unusable(folder, 'it belongs to another user')
  if ((found.mode & 0o077) !== 0) throw unusable(folder, 'others can enter it', undefined, `chmod 700 '${folder}'`)
}

function unusable(folder: string, why: string, cause?: unknown, mend?: string): LmappError {
  return new LmappError('path-unusable', `${folder} cannot be used: ${why}.`, {
    hint: mend ? `Mend it: ${mend}` : 'Remove it, or set LMAPP_HOME to another folder',
    details: { folder },
    ...(cause !== undefined && { cause }),
  })
}
