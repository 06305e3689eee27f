import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { LmappError } from 'lmapp-kit'

/** The secret that clients and service share, readable by its owner only. Undefined when there is none yet. */
export function readToken(file: string): string | undefined {
  try {
    const token = readFileSync(file, 'utf8').trim()
    return token === '' ? undefined : token
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    const problem = code === 'ENOTDIR' ? `${dirname(file)} is no folder` : `${file} cannot be read (${code})`
    throw new LmappError('path-unusable', `${problem}.`, {
      hint: 'Set LMAPP_HOME to a folder of your own; see: lmapp paths',
      cause: error,
    })
  }
}

/** Reads the token, or makes one that appears whole or not at all. */
export function ensureToken(file: string): string {
  const found = readToken(file)
  if (found) return found
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600 })
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft, { force: true })
  }
  const token = readToken(file)
  if (!token) throw new Error(`The token file ${file} is empty.`)
  return token
}
