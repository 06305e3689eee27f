import { isUtf8 } from 'node:buffer'
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { LmappError } from 'lmapp-kit'
import type { Config, ConfigProblem, ParsedConfig } from './config.ts'
import { defaultConfig, parseConfig } from './parse-config.ts'

/**
 * Reads the file; a missing one means the defaults. What comes back in `problems` are only warnings.
 * Throws `config-invalid` with `details` file, line, column and problems, or `path-unusable` when the file cannot be read.
 */
export async function loadConfig(path: string): Promise<ParsedConfig> {
  const bytes = await readBytes(path)
  if (!bytes) return { config: defaultConfig(), problems: [] }
  const parsed = isUtf8(bytes) ? parseConfig(bytes.toString('utf8'), path) : toNotUtf8(bytes, path)
  const [first, ...others] = parsed.problems.filter(isConfigError)
  if (!first) return parsed
  throw toConfigInvalid(first, others)
}

export function isConfigError(problem: ConfigProblem): boolean {
  return problem.kind !== 'unknown-key'
}

export function toConfigInvalid(first: ConfigProblem, others: readonly ConfigProblem[]): LmappError {
  const { file, line, column, message } = first
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  return new LmappError('config-invalid', `${file}:${line}:${column}: ${message}${more}`, {
    details: { file, line, column, path: first.path, problems: [first, ...others] },
  })
}

export interface ConfigReader {
  /** What the file says now, as `loadConfig`. Costs one look at the file's metadata while it stays the same. */
  read(): Promise<ParsedConfig>
  /** As `read`, when the problems do not matter. */
  config(): Promise<Config>
}

/** The look is made at once, without the thread pool: a few microseconds, so that each request can afford it. */
export function createConfigReader(path: string): ConfigReader {
  let known: { stamp: string; result: Promise<ParsedConfig> } | undefined
  const read = (): Promise<ParsedConfig> => {
    const stamp = stampOf(path)
    if (known?.stamp !== stamp) {
      known = { stamp, result: loadConfig(path) }
      known.result.catch(() => undefined)
    }
    return known.result
  }
  return { read, config: async () => (await read()).config }
}

/** Changes whenever the file may have changed. */
function stampOf(path: string): string {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    return found ? `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}` : 'missing'
  } catch {
    return 'unreadable'
  }
}

async function readBytes(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new LmappError('path-unusable', `The configuration file ${path} cannot be read (${code}).`, {
      details: { path },
      cause: error,
    })
  }
}

function toNotUtf8(bytes: Buffer, file: string): ParsedConfig {
  const before = bytes.toString('utf8').split('\uFFFD', 1)[0] ?? ''
  const lines = before.split('\n')
  const place = { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 }
  const message = 'The file is not UTF-8 from here on; save it as UTF-8.'
  return { config: defaultConfig(), problems: [{ kind: 'syntax', file, path: '', message, ...place }] }
}
