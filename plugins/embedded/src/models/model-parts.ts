import { statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'
import type { GgufHead } from './gguf.ts'

/** One file of a model, as it was when it was looked at. */
export interface ModelPart {
  path: string
  sizeBytes: number
  modifiedAtMs: number
  /** Tells a file that took the place of another one. */
  inode: number
}

export async function readPart(path: string): Promise<ModelPart> {
  const { size, mtimeMs, ino } = await stat(path)
  return { path, sizeBytes: size, modifiedAtMs: mtimeMs, inode: ino }
}

/** The other files of a model that is cut into several, as llama.cpp names them. Throws `not-a-model`. */
export function otherPartPaths(path: string, head: GgufHead): string[] {
  const count = head.metadata.get('split.count')
  if (typeof count !== 'number' || count <= 1) return []
  const [, stem = '', digits = ''] = /^(.*)-00001-of-(\d{5})\.gguf$/.exec(path) ?? []
  if (Number(digits) !== count) {
    throw new LmappError('not-a-model', `${path} is the first of ${count} files, and is not named like it.`, {
      hint: `llama.cpp finds the others by the name: <name>-00001-of-${String(count).padStart(5, '0')}.gguf`,
      details: { path, parts: count },
    })
  }
  return Array.from(
    { length: count - 1 },
    (_, index) => `${stem}-${String(index + 2).padStart(5, '0')}-of-${digits}.gguf`,
  )
}

export function isSamePart(one: ModelPart, other: ModelPart | undefined): boolean {
  if (!other || one.path !== other.path || one.inode !== other.inode) return false
  return one.sizeBytes === other.sizeBytes && one.modifiedAtMs === other.modifiedAtMs
}

const checkEveryMs = 250

/**
 * A function that throws `not-a-model` once a file that is in memory has become shorter: its pages behind the end are
 * gone, and the system kills whoever reads them. One that was replaced stays whole in memory, as it was.
 * It looks at the disk a few times a second, however often it is called.
 */
export function createShrinkCheck(parts: readonly ModelPart[]): () => void {
  let checkedAt = Number.NEGATIVE_INFINITY
  return () => {
    const now = performance.now()
    if (now - checkedAt < checkEveryMs) return
    checkedAt = now
    for (const { path, sizeBytes, inode } of parts) {
      const found = statSync(path, { throwIfNoEntry: false })
      if (!found || found.ino !== inode || found.size >= sizeBytes) continue
      throw new LmappError('not-a-model', `${path} became shorter while it was read.`, {
        hint: 'Put the whole file back, then: lmapp continue',
        details: { path, bytes: found.size, neededBytes: sizeBytes },
      })
    }
  }
}
