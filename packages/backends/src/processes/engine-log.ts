import { appendFile, mkdir, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What a child says for people: appended to a file, its end kept for error messages. */
export interface EngineLog {
  /** Resolves when it is written, or cannot be: a log never stops the work. */
  write(text: string): Promise<void>
  /** The last lines, the oldest first. */
  tail(): string[]
}

export interface EngineLogOptions {
  file: string
  /** Then the file becomes `<file>.1`, which replaces the one before. */
  maxBytes?: number
}

const tailLines = 20
const tailLineCharacters = 1000

export function createEngineLog({ file, maxBytes = 1024 * 1024 }: EngineLogOptions): EngineLog {
  const lines: string[] = ['']
  let size: number | undefined
  let last: Promise<void> = Promise.resolve()

  function keep(text: string): void {
    const [first = '', ...others] = text.split(/\r?\n/).slice(-tailLines - 1)
    lines.push(`${lines.pop() ?? ''}${first}`.slice(0, tailLineCharacters))
    lines.push(...others.map((line) => line.slice(0, tailLineCharacters)))
    lines.splice(0, lines.length - tailLines - 1)
  }

  async function append(text: string): Promise<void> {
    const bytes = Buffer.byteLength(text)
    size ??= await openFile(file)
    if (size > 0 && size + bytes > maxBytes) {
      await rename(file, `${file}.1`)
      size = 0
    }
    await appendFile(file, text, { mode: 0o600 })
    size += bytes
  }

  return {
    write(text) {
      keep(text)
      last = last.then(() => append(text)).catch(() => {})
      return last
    },
    tail: () => lines.filter((line, index) => line !== '' || index < lines.length - 1).slice(-tailLines),
  }
}

async function openFile(file: string): Promise<number> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const stats = await stat(file).catch(() => undefined)
  return stats?.size ?? 0
}
