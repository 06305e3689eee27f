import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateRawSync, gunzipSync } from 'node:zlib'
import type { ImportedConversation, ImportKind, ImportNotice } from '../imported.ts'
import { type ReadImportOptions, readImport } from '../read-import.ts'

const fixtures = join(import.meta.dirname, '..', 'fixtures')

/** A folder that is removed with all that is in it. */
export async function openFolder() {
  const path = await mkdtemp(join(tmpdir(), 'lmapp-import-test-'))
  return {
    path,
    async write(name: string, content: string | Uint8Array): Promise<string> {
      const file = join(path, name)
      await writeFile(file, content)
      return file
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** The bytes of a sample, unpacked. */
export async function readSample(name: string): Promise<Buffer> {
  const bytes = await readFile(join(fixtures, name))
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes
}

export interface WholeImport {
  kind: ImportKind
  conversations: ImportedConversation[]
  notices: readonly ImportNotice[]
  /** What ended the reading, when it did not end well. */
  error?: unknown
}

export async function importFile(path: string, options?: ReadImportOptions): Promise<WholeImport> {
  await using opened = await readImport(path, options)
  const conversations: ImportedConversation[] = []
  try {
    for await (const conversation of opened.conversations) conversations.push(conversation)
  } catch (error) {
    return { kind: opened.kind, conversations, notices: opened.notices, error }
  }
  return { kind: opened.kind, conversations, notices: opened.notices }
}

export async function importBytes(content: string | Uint8Array, options?: ReadImportOptions): Promise<WholeImport> {
  await using folder = await openFolder()
  return await importFile(await folder.write('file', content), options)
}

export async function importSample(name: string): Promise<WholeImport> {
  return await importBytes(await readSample(name))
}

export async function toText(pieces: AsyncIterable<string>): Promise<string> {
  const all: string[] = []
  for await (const piece of pieces) all.push(piece)
  return all.join('')
}

export interface ZipMember {
  name: string
  content: Uint8Array | string
  /** What the archive claims instead of the truth. */
  claimedSize?: number
}

/** A ZIP archive, as small as one can be. */
export function makeZip(members: readonly ZipMember[]): Buffer {
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { name, content, claimedSize } of members) {
    const bytes = Buffer.from(content)
    const packed = deflateRawSync(bytes)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(0x800, 2)
    fields.writeUInt16LE(8, 4)
    fields.writeUInt32LE(crc32(bytes), 10)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(claimedSize ?? bytes.length, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    const header = Buffer.concat([Buffer.from('PK\u0003\u0004'), fields, Buffer.from(name), packed])
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    central.push(Buffer.concat([Buffer.from('PK\u0001\u0002'), Buffer.from([20, 0]), fields, place, Buffer.from(name)]))
    local.push(header)
    offset += header.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(members.length, 4)
  end.writeUInt16LE(members.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...local, directory, Buffer.from('PK\u0005\u0006'), end])
}
