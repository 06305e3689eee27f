import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { type FileContent, LmappError } from 'lmapp-kit'
import { formatBytes, formatPlural } from '../../output/format.ts'
import { decodeText } from '../read-stdin.ts'
import { kindOfContent } from './file-kind.ts'
import { limits } from './limits.ts'
import { readBytes } from './read-bytes.ts'
import { toFile } from './to-file.ts'
import { walkFolder } from './walk-folder.ts'

export interface ReadFolder {
  files: FileContent[]
  /** For a person: what was taken, and what was left out. */
  notice: string
}

type LeftOut = 'binary' | 'large' | 'secret' | 'unreadable' | 'ignored' | 'special'

/** Names of files that hold secrets more often than not. Whoever means one names it. */
const secretNames = /^(\.env(\..+)?|\.netrc|\.npmrc|\.pypirc|id_(rsa|dsa|ecdsa|ed25519)|.+\.(pem|key|p12|pfx|kdbx))$/i

/** The text files of a folder. Throws `bad-input` when there is none, or more than a question can carry. */
export async function readFolder(folder: string, shown: string): Promise<ReadFolder> {
  const files: FileContent[] = []
  const walked = await walkFolder(folder, shown)
  const { ignored, special } = walked
  const leftOut: Record<LeftOut, number> = { binary: 0, large: 0, secret: 0, unreadable: 0, ignored, special }
  let bytes = 0
  for (const { path, name } of walked.files) {
    const text = await readOne(path, name)
    if (typeof text === 'object') {
      leftOut[text.reason] += 1
      continue
    }
    bytes += Buffer.byteLength(text)
    files.push(toFile(name, text))
    if (files.length > limits.filesOfFolder || bytes > limits.textOfFolder) throw tooMuch(shown)
  }
  const rest = describeLeftOut(leftOut)
  if (files.length === 0) {
    throw new LmappError('bad-input', `The folder ${shown} holds no text that could be given.${rest}`, {
      hint: 'Name single files with -f',
    })
  }
  return { files, notice: `${shown}: ${formatPlural(files.length, 'file')}, ${formatBytes(bytes)}.${rest}` }
}

async function readOne(path: string, name: string): Promise<string | { reason: LeftOut }> {
  if (secretNames.test(basename(name))) return { reason: 'secret' }
  try {
    if ((await stat(path)).size > limits.textInFolder) return { reason: 'large' }
    const content = await readBytes(path, name, limits.textInFolder)
    return kindOfContent(content).kind === 'text' ? decodeText(content, name) : { reason: 'binary' }
  } catch (error) {
    // UTF-8 that is none counts as binary here.
    return { reason: error instanceof LmappError && error.cause === undefined ? 'binary' : 'unreadable' }
  }
}

const words: Record<LeftOut, string> = {
  binary: 'no text',
  large: `over ${formatBytes(limits.textInFolder)}`,
  secret: 'by their names secrets',
  unreadable: 'not readable',
  ignored: 'ignored by git',
  special: 'as a link or device',
}

function describeLeftOut(leftOut: Record<LeftOut, number>): string {
  const parts = Object.entries(leftOut).filter(([, count]) => count > 0)
  if (parts.length === 0) return ''
  return ` Left out: ${parts.map(([reason, count]) => `${count} ${words[reason as LeftOut]}`).join(', ')}.`
}

function tooMuch(shown: string): LmappError {
  const most = `${limits.filesOfFolder.toLocaleString('en')} files or ${formatBytes(limits.textOfFolder)}`
  return new LmappError('bad-input', `The folder ${shown} holds more text than ${most}.`, {
    hint: 'Give a folder below it, or single files',
  })
}
