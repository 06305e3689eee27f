import { open } from 'node:fs/promises'

const mostBytes = 1024 * 1024

/** The last lines of a file that may be large; undefined when it is not there. */
export async function readTail(path: string, lines: number): Promise<string | undefined> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return undefined
  try {
    const { size } = await file.stat()
    const length = Math.min(size, mostBytes)
    const { buffer } = await file.read({ buffer: Buffer.alloc(length), position: size - length })
    const all = buffer.toString('utf8').split(/(?<=\n)/)
    const whole = length < size ? all.slice(1) : all
    return whole.slice(-lines).join('')
  } finally {
    await file.close()
  }
}
