import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { toPartPath } from '@lmapp/core/models'
import { LmappError, type Status } from 'lmapp-kit'

/** `sha256:…` of each file of a model. Throws `path-unusable`. */
export async function computeChecksums(
  path: string,
  { signal, show }: { signal: AbortSignal; show(status: Status): void },
): Promise<{ path: string; digest: string }[]> {
  const sums: { path: string; digest: string }[] = []
  for (const file of await filesOf(path)) {
    sums.push({ path: file.path, digest: await computeOne(file, { signal, show }) })
  }
  return sums
}

async function computeOne(
  { path, size }: { path: string; size: number },
  { signal, show }: { signal: AbortSignal; show(status: Status): void },
): Promise<string> {
  const hash = createHash('sha256')
  let done = 0
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) {
      hash.update(chunk)
      done += chunk.length
      show({ type: 'status', phase: 'loading', message: path, progress: { done, total: size, unit: 'bytes' } })
    }
  } catch (cause) {
    if (signal.aborted) throw new LmappError('cancelled', 'Stopped.', { cause })
    throw unreadable(path, cause)
  }
  return `sha256:${hash.digest('hex')}`
}

async function filesOf(path: string): Promise<{ path: string; size: number }[]> {
  const paths = [path]
  const parts = Number(/-of-(\d{5})\.gguf$/i.exec(path)?.[1] ?? 1)
  for (let part = 2; part <= parts; part += 1) paths.push(toPartPath(path, part) ?? path)
  try {
    return await Promise.all(paths.map(async (each) => ({ path: each, size: (await stat(each)).size })))
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(path: string, cause: unknown): LmappError {
  const { code } = cause as NodeJS.ErrnoException
  return new LmappError('path-unusable', `${path} cannot be read (${code}).`, { details: { path }, cause })
}
