import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { type Content, LmappError } from 'lmapp-kit'
import { formatBytes } from '../../output/format.ts'
import { decodeText } from '../read-stdin.ts'
import { kindOfContent } from './file-kind.ts'
import { limits } from './limits.ts'
import { readBytes } from './read-bytes.ts'
import { readFolder } from './read-folder.ts'
import { readPdfText } from './read-pdf.ts'
import { toFile } from './to-file.ts'

export interface Attachment {
  content: Content[]
  /** For a person, on stderr: what a folder brought. */
  notice?: string
}

/** A text, an image, the text of a PDF, or the texts of a folder, to go with a question. Throws `bad-input`, naming the path. */
export async function readAttachment(path: string, directory: string): Promise<Attachment> {
  // An unset variable in a script would otherwise send the whole working directory.
  if (path === '') throw new LmappError('bad-input', 'A path given with -f is empty.', { hint: 'This folder: -f .' })
  const place = resolve(directory, path)
  if (await isFolder(place)) {
    const { files, notice } = await readFolder(place, path)
    return { content: files, notice }
  }
  return { content: [await readOne(place, path)] }
}

async function isFolder(place: string): Promise<boolean> {
  const found = await stat(place).catch(() => undefined)
  return found?.isDirectory() ?? false
}

async function readOne(place: string, path: string): Promise<Content> {
  return toContent(await readBytes(place, path, limits.pdf), path)
}

/** What the bytes are, under the name that the model sees. Throws `bad-input` that names the path. */
export async function toContent(bytes: Buffer, path: string): Promise<Content> {
  const found = kindOfContent(bytes)
  switch (found.kind) {
    case 'image':
      assertSize(bytes, path, limits.image)
      return { type: 'image', mediaType: found.mediaType, data: bytes.toString('base64') }
    case 'pdf':
      assertSize(bytes, path, limits.pdf)
      return toFile(basename(path), await readPdfText(bytes, path))
    case 'text':
      assertSize(bytes, path, limits.text)
      return toFile(basename(path), decodeText(bytes, path))
    case 'binary':
      throw new LmappError('bad-input', `${path} is ${found.what}, and a model reads text.`, {
        hint: 'Give the text of it: lmapp -f FILE.txt …',
      })
    default:
      return found satisfies never
  }
}

function assertSize(bytes: Buffer, path: string, most: number): void {
  if (bytes.length <= most) return
  throw new LmappError('bad-input', `${path} is larger than ${formatBytes(most)}, the most that is taken.`, {
    hint: 'Make it smaller, or give a part of it',
  })
}
