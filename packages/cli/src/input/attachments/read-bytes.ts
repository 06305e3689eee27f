import { createReadStream } from 'node:fs'
import { LmappError } from 'lmapp-kit'

/** At most one byte more than `most`: a device never ends, and a pipe has no size. Throws `bad-input` that names the path. */
export async function readBytes(path: string, shown: string, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of createReadStream(path, { end: most })) chunks.push(chunk)
  } catch (cause) {
    throw new LmappError('bad-input', `${shown} ${problemOf(cause)}.`, { hint: 'Check the path given with -f', cause })
  }
  return Buffer.concat(chunks)
}

function problemOf(cause: unknown): string {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined
  if (code === 'ENOENT') return 'does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by you'
  if (code === 'ENOTDIR') return 'does not exist: a part of its path is a file'
  return `could not be read${code ? ` (${code})` : ''}`
}
