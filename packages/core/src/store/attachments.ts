import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

/** The files of the history: each is named by the SHA-256 of what is in it. */
export interface Attachments {
  /** On disk for good when it returns. The same bytes are kept once; a file that was damaged is mended. */
  keep(bytes: Buffer): string
  read(sha256: string): AttachmentRead
  remove(sha256: string): void
  /** The hashes of all that are there; what an interrupted write left is removed. */
  list(): string[]
  sizeBytes(): number
}

export type AttachmentRead = { bytes: Buffer } | { lost: 'missing' | 'damaged' }

const hashName = /^[0-9a-f]{64}$/

/** Makes the folder, for its owner only, with the first file. */
export function createAttachments(folder: string): Attachments {
  const placeOf = (sha256: string) => join(folder, sha256)
  const names = () => (existsSync(folder) ? readdirSync(folder) : [])
  const read = (sha256: string): AttachmentRead => {
    if (!hashName.test(sha256) || !existsSync(placeOf(sha256))) return { lost: 'missing' }
    const bytes = readFileSync(placeOf(sha256))
    return hashOf(bytes) === sha256 ? { bytes } : { lost: 'damaged' }
  }
  return {
    keep(bytes) {
      const sha256 = hashOf(bytes)
      if ('bytes' in read(sha256)) return sha256
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeWhole(placeOf(sha256), bytes)
      syncFolder(folder)
      return sha256
    },
    read,
    remove: (sha256) => rmSync(placeOf(sha256), { force: true }),
    list() {
      for (const name of names()) if (name.endsWith(partSuffix)) rmSync(join(folder, name), { force: true })
      return names().filter((name) => hashName.test(name))
    },
    sizeBytes: () => names().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0),
  }
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

const partSuffix = '.part'

/** Written aside and renamed: a file is whole or not there. */
function writeWhole(path: string, bytes: Buffer): void {
  const aside = `${path}.${randomUUID()}${partSuffix}`
  const file = openSync(aside, 'wx', 0o600)
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    fsyncSync(file)
  } catch (error) {
    rmSync(aside, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  renameSync(aside, path)
}

/** So that the name outlives a loss of power too. Windows knows no such thing. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
