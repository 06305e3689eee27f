import { LmappError } from 'lmapp-kit'

/** What the disk refused, in words; everything else stays what it is. */
export function toInstallError(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (error instanceof LmappError || !('syscall' in Object(error))) return error
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new LmappError('disk-full', `There is no room left for ${path}.`, { details: { path }, cause: error })
  }
  return new LmappError('path-unusable', `${path} cannot be used (${code}).`, { details: { path }, cause: error })
}
