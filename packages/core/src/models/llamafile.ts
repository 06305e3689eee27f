import { open } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'
import type { Entry, ZipFile } from 'yauzl'
import { type GgufHeader, readGgufWithin } from './gguf.ts'

/**
 * Looks into a llamafile: a program with a zip at its end, in which its weights are. Returns what the weights say about
 * themselves, where they can be read. `isProven`: its checksum was right, so that it need not prove by the zip that it is whole.
 * Throws `not-a-model`.
 */
export async function readLlamafile(
  path: string,
  { isProven }: { isProven: boolean },
): Promise<GgufHeader | undefined> {
  if (!isProgram(await readBeginning(path))) throw toRefused(path, 'it does not begin like a program')
  try {
    return await readWeights(path)
  } catch (error) {
    if (isProven) return undefined
    throw toRefused(path, 'the zip at its end is damaged or cut short', error)
  }
}

/** Actually portable (the older ones begin with `jartsr`), or made for one system: ELF and Mach-O in both byte orders, or for several. */
const beginnings = ['MZqFpD=', 'jartsr=', '\x7fELF', '\xcf\xfa\xed\xfe', '\xfe\xed\xfa\xcf', '\xca\xfe\xba\xbe']

function isProgram(beginning: string): boolean {
  return beginnings.some((each) => beginning.startsWith(each))
}

async function readBeginning(path: string): Promise<string> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0)
  return buffer.subarray(0, bytesRead).toString('latin1')
}

/** Far more than any llamafile has. */
const mostEntries = 10_000

async function readWeights(path: string): Promise<GgufHeader | undefined> {
  // CommonJS: in a bundle only the default export is there.
  const { default: yauzl } = await import('yauzl')
  const zip = await yauzl.openPromise(path, { lazyEntries: true, autoClose: false })
  try {
    const weights = await findWeights(zip)
    if (!weights) return undefined
    const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(weights, { minimal: true })
    await using file = await open(path)
    return await readGgufWithin({ file, start, size: weights.uncompressedSize })
  } finally {
    zip.close()
  }
}

/** The largest that is stored as it is: the engine maps it, so it is never compressed. */
async function findWeights(zip: ZipFile): Promise<Entry | undefined> {
  if (zip.entryCount > mostEntries) return undefined
  let largest: Entry | undefined
  for await (const entry of zip.eachEntry()) {
    const isCandidate = /\.gguf$/i.test(entry.fileName) && entry.compressionMethod === 0 && !entry.isEncrypted()
    if (isCandidate && entry.uncompressedSize > (largest?.uncompressedSize ?? 0)) largest = entry
  }
  return largest
}

function toRefused(path: string, why: string, cause?: unknown): LmappError {
  return new LmappError('not-a-model', `${path} is no llamafile: ${why}.`, { details: { path }, cause })
}
