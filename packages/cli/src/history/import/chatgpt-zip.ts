import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LmappError } from 'lmapp-kit'
import type { Entry, ZipFile } from 'yauzl'
import { type Attachment, mostAttachmentBytes } from './attachments.ts'
import type { AssetSource } from './chatgpt.ts'
import { toAssetId } from './chatgpt-content.ts'

/** Bounds against archives made to burst: text packs about ten to one. */
const mostEntries = 200_000
const mostTextBytes = 16 * 1024 ** 3
const mostRatio = 200
const unsuspiciousBytes = 64 * 1024 * 1024

export interface OpenArchive extends AsyncDisposable {
  /** The conversations, unpacked into a folder of their own. */
  paths: readonly string[]
  assets: AssetSource
}

/** Opens the archive that ChatGPT exports. Disposing closes it and removes what was unpacked. */
export async function openChatGptArchive(path: string): Promise<OpenArchive> {
  // CommonJS: in a bundle only the default export is there.
  const { default: yauzl } = await import('yauzl')
  const zip = await yauzl.openPromise(path, { lazyEntries: true, autoClose: false }).catch((cause) => {
    throw toDamaged(path, cause)
  })
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-import-'))
  const dispose = async () => {
    zip.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const { texts, assets } = await listEntries(zip, path)
    const paths: string[] = []
    for (const [index, entry] of texts.entries()) {
      const target = join(folder, `${index}.json`)
      await unpack(zip, entry, target)
      paths.push(target)
    }
    return { paths, assets: createAssets(zip, assets), [Symbol.asyncDispose]: dispose }
  } catch (cause) {
    await dispose()
    if (cause instanceof LmappError) throw cause
    throw toDamaged(path, cause)
  }
}

/** In newer exports the conversations are split into numbered files. */
const textPattern = /(?:^|\/)conversations(?:-\d+)?\.json$/

async function listEntries(zip: ZipFile, path: string) {
  const texts: Entry[] = []
  const assets = new Map<string, Entry>()
  if (zip.entryCount > mostEntries) throw toBurst(path, `it holds ${zip.entryCount} files`)
  for await (const entry of zip.eachEntry()) {
    const name = entry.fileName.slice(entry.fileName.lastIndexOf('/') + 1)
    if (textPattern.test(entry.fileName) && !entry.fileName.startsWith('__MACOSX/')) texts.push(entry)
    else {
      const id = toAssetId(name)
      if (id !== undefined && !assets.has(id)) assets.set(id, entry)
    }
  }
  if (texts.length === 0) {
    throw new LmappError('bad-input', `${path} holds no conversations.json.`, {
      hint: "Give the archive that ChatGPT's “Export data” sent, as it is",
    })
  }
  const total = texts.reduce((sum, entry) => sum + entry.uncompressedSize, 0)
  const packed = texts.reduce((sum, entry) => sum + entry.compressedSize, 0)
  if (total > mostTextBytes) throw toBurst(path, `its conversations are ${total} bytes when unpacked`)
  if (total > unsuspiciousBytes && total > packed * mostRatio) {
    throw toBurst(path, `its ${packed} bytes of conversations unpack to ${total}`)
  }
  return { texts: texts.sort((one, other) => (one.fileName < other.fileName ? -1 : 1)), assets }
}

/** Never more than the archive's list says: yauzl ends the stream with an error. */
async function unpack(zip: ZipFile, entry: Entry, target: string): Promise<void> {
  try {
    await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target, { mode: 0o600 }))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause
    throw new LmappError('disk-full', `No room in ${tmpdir()} to unpack ${entry.uncompressedSize} bytes.`, {
      hint: 'Free some, or choose another folder for it: TMPDIR=…',
      cause,
    })
  }
}

function createAssets(zip: ZipFile, entries: ReadonlyMap<string, Entry>): AssetSource {
  return {
    async load(ids) {
      const loaded = new Map<string, Attachment>()
      let total = 0
      for (const id of new Set(ids)) {
        const entry = entries.get(id)
        if (!entry || entry.uncompressedSize > mostAttachmentBytes) continue
        total += entry.uncompressedSize
        if (total > mostLoadedBytes) break
        const bytes = await readEntry(zip, entry)
        if (bytes) loaded.set(id, { name: entry.fileName.slice(entry.fileName.lastIndexOf('/') + 1), bytes })
      }
      return loaded
    },
  }
}

/** Of one conversation, a little over what is taken of it. */
const mostLoadedBytes = 80 * 1024 * 1024

/** Undefined for one that is damaged: the conversation is worth having without it. */
async function readEntry(zip: ZipFile, entry: Entry): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  } catch {
    return undefined
  }
}

function toDamaged(path: string, cause: unknown): LmappError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new LmappError('bad-input', `${path} is a damaged archive: ${why}.`, { hint: 'Fetch or copy it again', cause })
}

function toBurst(path: string, why: string): LmappError {
  return new LmappError('bad-input', `${path} looks made to fill the disk: ${why}.`, {
    hint: 'If you trust it, unpack it and import its conversations.json',
  })
}
