import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

export interface SocketPlaceOptions {
  /** The service's own folder for sockets. */
  runtimeDir: string
  platform?: NodeJS.Platform
}

/** Bytes of a path that every system takes for a socket (macOS has 104 with the zero at its end). */
const longestSocketPath = 103

/**
 * A path for a new Unix socket in a folder that nobody else can enter, or undefined where there is none: on Windows,
 * where the path is too long, and where the folder is somebody else's. What an earlier service left is removed.
 */
export async function findSocketPlace({
  runtimeDir,
  platform = process.platform,
}: SocketPlaceOptions): Promise<string | undefined> {
  if (platform === 'win32') return undefined
  const folder = join(runtimeDir, 'engines')
  const path = join(folder, `${process.pid}-${randomBytes(6).toString('hex')}.sock`)
  if (Buffer.byteLength(path) > longestSocketPath) return undefined
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const found = await lstat(folder)
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return undefined
    await chmod(folder, 0o700)
    await removeForeign(folder)
    return path
  } catch {
    return undefined
  }
}

/** One service uses the folder: sockets of another process are those of a dead one. */
async function removeForeign(folder: string): Promise<void> {
  const others = (await readdir(folder)).filter(
    (name) => /^\d+-[0-9a-f]+\.sock$/.test(name) && !name.startsWith(`${process.pid}-`),
  )
  await Promise.all(others.map((name) => rm(join(folder, name), { force: true })))
}
