import { readFile } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { type FileContent, LmappError } from 'lmapp-kit'
import { decodeText } from './read-stdin.ts'

const mediaTypes: Record<string, string> = {
  '.md': 'text/markdown',
  '.html': 'text/html',
  '.css': 'text/css',
  '.csv': 'text/csv',
  '.json': 'application/json',
  '.xml': 'application/xml',
}

/** The first bytes of files that are no text, and what they are. */
const signatures: readonly (readonly [string, string])[] = [
  ['89504e47', 'an image'],
  ['ffd8ff', 'an image'],
  ['47494638', 'an image'],
  ['25504446', 'a PDF'],
]

/** A text file to go with a question. Throws `bad-input`, or `not-supported-yet` for images and PDF. */
export async function readTextFile(path: string, directory: string): Promise<FileContent> {
  const bytes = await readBytes(path, directory)
  const kind = kindOfContent(bytes)
  if (kind) {
    throw new LmappError('not-supported-yet', `${path} is ${kind}. This version of lmapp takes text files only.`, {
      hint: 'Give the text of it: lmapp -f FILE.txt …',
    })
  }
  if (bytes.includes(0)) {
    throw new LmappError('bad-input', `${path} is a binary file, and a model reads text.`, {
      hint: 'Give the text of it: lmapp -f FILE.txt …',
    })
  }
  return toFile(basename(path), decodeText(bytes, path))
}

export function toFile(name: string, text: string): FileContent {
  return { type: 'file', name, mediaType: mediaTypes[extname(name).toLowerCase()] ?? 'text/plain', text }
}

function kindOfContent(bytes: Buffer): string | undefined {
  if (bytes.subarray(0, 4).toString('latin1') === 'RIFF' && bytes.subarray(8, 12).toString('latin1') === 'WEBP') {
    return 'an image'
  }
  const head = bytes.subarray(0, 8).toString('hex')
  return signatures.find(([signature]) => head.startsWith(signature))?.[1]
}

async function readBytes(path: string, directory: string): Promise<Buffer> {
  try {
    return await readFile(resolve(directory, path))
  } catch (cause) {
    throw new LmappError('bad-input', `${path} ${problemOf(cause)}.`, { hint: 'Check the path given with -f', cause })
  }
}

function problemOf(cause: unknown): string {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined
  if (code === 'ENOENT') return 'does not exist'
  if (code === 'EISDIR') return 'is a folder, and a file is needed'
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by you'
  return `could not be read${code ? ` (${code})` : ''}`
}
