import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { manifestFileName } from 'lmapp-kit'
import { Header } from 'tar'
import { toManifest } from '../../fixtures/open-fixture.ts'

/** `lmapp-backend.json` of a plugin that nobody runs. */
export function manifestText(name: string, extra: object = {}): string {
  return JSON.stringify({ ...toManifest(['node', 'main.js'], { name }), ...extra })
}

/** A folder with these files; returns its path. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  await mkdir(folder, { recursive: true })
  return folder
}

/** The files of a small plugin of Node. */
export function pluginFiles(name: string, extra: object = {}): Record<string, string> {
  return { [manifestFileName]: manifestText(name, extra), 'main.js': 'console.log("never run")\n' }
}

export interface TarEntry {
  path: string
  type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO'
  linkpath?: string
  data?: string | Buffer
  mode?: number
  /** Another one than that of the data. */
  size?: number
}

/** The bytes of a .tgz with exactly these entries, as wrong as they are. */
export function tarball(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ path, type = 'File', linkpath, data = '', mode = 0o644, size }) => {
    const bytes = Buffer.from(data)
    const header = new Header({ path, type, mode, size: size ?? bytes.length, ...(linkpath && { linkpath }) })
    header.encode()
    const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512)
    return [header.block ?? Buffer.alloc(0), bytes, padding]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

/** As `npm pack` makes it. */
export function packageTarball(files: Readonly<Record<string, string | Buffer>>): Buffer {
  return tarball(Object.entries(files).map(([path, data]) => ({ path: `package/${path}`, data })))
}
