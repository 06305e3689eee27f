import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { cp, lstat, readdir, readlink, realpath } from 'node:fs/promises'
import { basename, isAbsolute, join, relative, sep } from 'node:path'
import { LmappError } from 'lmapp-kit'
import { toInstallError } from './install-error.ts'

/** What a plugin may bring along. */
export interface TreeLimits {
  files: number
  bytes: number
}

export const treeLimits: TreeLimits = { files: 50_000, bytes: 2 * 1024 ** 3 }

/** What pip makes anew, and what is history. */
const leftOut: ReadonlySet<string> = new Set(['.git', '.venv', 'venv', '__pycache__'])

export interface CopyOptions {
  limits?: TreeLimits | undefined
  /** The plugin brings packages along, instead of having npm fetch them. */
  withPackages?: boolean
}

/**
 * Copies a folder, without version control, virtual environments and, unless it bundles them, `node_modules`. Links stay
 * links, and none leads out. Throws `bad-input` for what no plugin has, and `path-unusable`.
 */
export async function copyTree(
  from: string,
  to: string,
  { limits = treeLimits, withPackages = false }: CopyOptions = {},
): Promise<void> {
  const counter = createCounter(from, limits)
  const filter = async (path: string) => {
    const name = basename(path)
    if (path !== from && (leftOut.has(name) || (name === 'node_modules' && !withPackages))) return false
    const found = await lstat(path)
    if (!found.isFile() && !found.isDirectory() && !found.isSymbolicLink()) throw notAFile(path)
    counter.add(found.isFile() ? found.size : 0)
    return true
  }
  try {
    await cp(from, to, { recursive: true, verbatimSymlinks: true, filter })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_FS_CP_EINVAL') {
      throw new LmappError('bad-input', `${from} holds the folder that plugins are installed into.`, { cause: error })
    }
    throw toInstallError(error, from)
  }
}

/** SHA-256 over the sorted relative paths and the contents, lower-case hex. Throws `bad-input` for a link that leads out. */
export async function hashTree(root: string): Promise<string> {
  const real = await realpath(root)
  const hash = createHash('sha256')
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory())
  const paths = files.map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
  for (const path of paths.sort()) {
    const full = join(root, path)
    const found = await lstat(full)
    hash.update(JSON.stringify([path, found.isSymbolicLink() ? await readInnerLink(full, real) : found.size]))
    if (found.isFile()) await addFile(hash, full)
  }
  return hash.digest('hex')
}

/** Of one file, lower-case hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await addFile(hash, path)
  return hash.digest('hex')
}

/** Throws `bad-input` when it is more than a plugin may bring. */
export function createCounter(from: string, { files, bytes }: TreeLimits): { add(size: number): void } {
  const sum = { files: 0, bytes: 0 }
  return {
    add(size) {
      sum.files += 1
      sum.bytes += size
      if (sum.files <= files && sum.bytes <= bytes) return
      throw new LmappError('bad-input', `${from} is too large for a plugin.`, {
        hint: `At most ${files} files, and ${Math.round(bytes / 1e6)} MB; let it fetch its models by pull_model`,
        details: { from, files, bytes },
      })
    },
  }
}

async function addFile(hash: Hash, path: string): Promise<void> {
  for await (const chunk of createReadStream(path)) hash.update(chunk)
}

async function readInnerLink(path: string, root: string): Promise<string> {
  const target = await readlink(path)
  const real = await realpath(path).catch(() => undefined)
  const isInside = real !== undefined && (real === root || real.startsWith(root + sep))
  if (isInside && !isAbsolute(target)) return target
  throw new LmappError('bad-input', `The link ${relative(root, path)} leads out of the plugin, to ${target}.`, {
    hint: 'Put the file itself into the plugin',
    details: { path, target },
  })
}

function notAFile(path: string): LmappError {
  return new LmappError('bad-input', `${path} is neither a file nor a folder.`, {
    hint: 'Take it out of the plugin: what a program makes when it runs belongs elsewhere',
    details: { path },
  })
}
