import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { LmappError } from 'lmapp-kit'
import type { ReadEntry } from 'tar'
import { createCounter, type TreeLimits, treeLimits } from './file-tree.ts'
import { toInstallError } from './install-error.ts'

export interface Tarball {
  file: string
  /** Where it comes from, for messages. Default: the file. */
  name?: string
}

/**
 * Unpacks what `npm pack` and `tar` make. Nothing is written before every entry was looked at: files and folders only,
 * none that leads out, none twice. Throws `bad-input` for what no plugin has, `download-failed` for what is damaged.
 */
export async function unpackTarball(
  { file, name = file }: Tarball,
  to: string,
  limits: TreeLimits = treeLimits,
): Promise<void> {
  try {
    await inspect(file, createInspector(name, limits))
    const { extract } = await import('tar')
    await extract({ file, cwd: to, strict: true, preserveOwner: false })
  } catch (error) {
    const known = toInstallError(error, to)
    if (known instanceof LmappError) throw known
    throw new LmappError('download-failed', `${name} is damaged: ${(error as Error).message}`, {
      hint: 'Fetch it, or pack it, again',
      details: { file },
      cause: error,
    })
  }
}

/** Reads it to the end, and writes nothing. */
async function inspect(file: string, look: (entry: ReadEntry) => void): Promise<void> {
  const { Parser } = await import('tar')
  let refused: unknown
  const onReadEntry = (entry: ReadEntry) => {
    entry.resume()
    try {
      if (refused === undefined) look(entry)
    } catch (error) {
      refused = error
    }
  }
  const parser = new Parser({ strict: true, onReadEntry })
  const ended = once(parser, 'end')
  ended.catch(() => {})
  for await (const chunk of createReadStream(file)) {
    if (!parser.write(chunk)) await Promise.race([once(parser, 'drain'), ended])
    if (refused !== undefined) throw refused
  }
  parser.end()
  await ended
  if (refused !== undefined) throw refused
}

function createInspector(from: string, limits: TreeLimits): (entry: ReadEntry) => void {
  const counter = createCounter(from, limits)
  const files = new Set<string>()
  const refuse = (why: string) => toRefused(from, why)
  return ({ path, type, size }) => {
    counter.add(size)
    if (/^([/\\]|[a-z]:)/i.test(path) || path.split(/[/\\]/).includes('..')) throw refuse(`${path} leads out of it`)
    if (type === 'SymbolicLink' || type === 'Link') throw refuse(`${path} is a link`)
    if (type === 'Directory' || type === 'GNUDumpDir') return
    if (!['File', 'OldFile', 'ContiguousFile'].includes(type)) throw refuse(`${path} is neither a file nor a folder`)
    const file = path.replace(/^(\.\/)+/, '')
    if (files.has(file)) throw refuse(`it holds ${path} twice`)
    files.add(file)
  }
}

function toRefused(file: string, why: string): LmappError {
  return new LmappError('bad-input', `${file} is no archive of a plugin: ${why}.`, {
    hint: 'Pack it anew: npm pack, or: tar --dereference -czf plugin.tgz FOLDER',
    details: { file },
  })
}
