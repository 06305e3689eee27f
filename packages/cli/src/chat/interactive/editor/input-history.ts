import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Messages that were typed, for Up; a file with a JSON string a line, oldest first, readable by its owner only. */
export interface InputHistory {
  /** Newest first, none twice. */
  readonly messages: readonly string[]
  /** A disk that refuses it costs only the recall: it is no error. */
  add(message: string): Promise<void>
}

const mostKept = 1000
const longestKept = 100_000

export async function loadInputHistory(path: string): Promise<InputHistory> {
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
  if (lines.length > 2 * mostKept) await rewrite(path, lines.slice(-mostKept))
  const messages = lines.slice(-mostKept).flatMap(parseLine).reverse()
  return {
    messages: [...new Set(messages)],
    async add(message) {
      if (message.length > longestKept) return
      await append(path, message).catch(() => {})
    },
  }
}

/** Nothing is read or written. */
export const noInputHistory: InputHistory = { messages: [], add: async () => {} }

function parseLine(line: string): string[] {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'string' ? [value] : []
  } catch {
    return []
  }
}

async function append(path: string, message: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await appendFile(path, `${JSON.stringify(message)}\n`, { mode: 0o600 })
}

async function rewrite(path: string, lines: readonly string[]): Promise<void> {
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 }).catch(() => {})
}
