import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Beside a file: one for all of a folder, or one of its own. */
export const checksumFiles = (file: string): readonly string[] => ['SHA256SUMS', `${file}.sha256`]

/** Far more than any list of checksums has. */
export const longestChecksums = 1024 * 1024

/**
 * The SHA-256 of one file, in lower case, from such a list as `sha256sum` or BSD's `sha256` write it. `isOnly`: the list is of this
 * file alone, and need not name it.
 */
export function findChecksum(text: string, file: string, isOnly = false): string | undefined {
  for (const each of text.split('\n')) {
    const line = each.trimEnd()
    const [, sum, name] = /^\\?([0-9a-f]{64})(?:\s+\*?(\S.*))?$/i.exec(line) ?? []
    const [, bsdName, bsdSum] = /^SHA256 \((.+)\) = ([0-9a-f]{64})$/i.exec(line) ?? []
    const named = name ?? bsdName
    const isMeant = named === undefined ? isOnly : named.split('/').at(-1) === file
    if (isMeant) return (sum ?? bsdSum)?.toLowerCase()
  }
  return undefined
}

/** From a list that lies beside the file. */
export async function readChecksumBeside(path: string): Promise<string | undefined> {
  const file = basename(path)
  for (const list of checksumFiles(file)) {
    const text = await readShort(join(dirname(path), list))
    const found = findChecksum(text, file, list !== 'SHA256SUMS')
    if (found !== undefined) return found
  }
  return undefined
}

async function readShort(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    return size > longestChecksums ? '' : await readFile(path, 'utf8')
  } catch {
    return ''
  }
}
