import { stat } from 'node:fs/promises'
import { LmappError, untilAborted } from 'lmapp-kit'
import { type SpawnOptions, spawnChild } from '../../processes/index.ts'

/** What a program says of itself. */
export interface ProgramFacts {
  /** As it names it, such as `b11434-1a2b3c4`; undefined where it does not say. */
  version?: string
  /** All that `--version` prints. */
  versionText: string
  /** Options that its `--help` names. */
  flags: ReadonlySet<string>
  /** `--host` may be the path of a Unix socket. */
  unixSocket: boolean
}

export interface FactsOptions extends Omit<SpawnOptions, 'command' | 'log'> {
  /** Program, and the arguments that come before all others. */
  command: readonly string[]
  signal: AbortSignal
  /** What makes it print its options, by what it says of its version; undefined: do not ask. Default: `--help`. */
  toHelp?: (versionText: string) => readonly string[] | undefined
}

/** Asks programs who they are, once for each file as it is. */
export interface ProgramReader {
  /** Throws `backend-start-failed`, and the reason of `signal`. */
  read(options: FactsOptions): Promise<ProgramFacts>
}

/** Milliseconds; such a question needs no model. The first start of a portable program unpacks its loader. */
const answerMs = 60_000
const maxAnswerCharacters = 1024 * 1024

export function createProgramReader(): ProgramReader {
  const known = new Map<string, ProgramFacts>()
  return {
    async read(options) {
      const [program = ''] = options.command
      const key = await toKey(program, options.command)
      const before = key === undefined ? undefined : known.get(key)
      if (before) return before
      const facts = await askProgram(options)
      if (key !== undefined) known.set(key, facts)
      return facts
    },
  }
}

/** Undefined where it is found along PATH, or not at all: then it is asked each time. */
async function toKey(program: string, command: readonly string[]): Promise<string | undefined> {
  try {
    const { mtimeMs, size } = await stat(program)
    return JSON.stringify([command, mtimeMs, size])
  } catch {
    return undefined
  }
}

async function askProgram(options: FactsOptions): Promise<ProgramFacts> {
  const versionText = await runToEnd(options, ['--version'])
  const toHelp = options.toHelp ?? (() => ['--help'])
  const question = toHelp(versionText)
  const help = question ? await runToEnd(options, question) : ''
  const version = parseVersion(versionText)
  return {
    versionText,
    flags: parseFlags(help),
    unixSocket: /unix socket/i.test(help),
    ...(version !== undefined && { version }),
  }
}

/** What it printed, on both streams, whatever its exit code. */
async function runToEnd(options: FactsOptions, question: readonly string[]): Promise<string> {
  const deadline = AbortSignal.timeout(answerMs)
  const printed = createPrinted()
  const child = await spawnChild({
    ...options,
    command: [...options.command, ...question],
    log: { write: async (text) => printed.add(text), tail: printed.tail },
  })
  child.stdin.end()
  const reading = readAll(child.stdout, printed.add)
  try {
    await untilAborted(Promise.all([child.exited, reading]), AbortSignal.any([options.signal, deadline]))
    return printed.text()
  } catch (error) {
    options.signal.throwIfAborted()
    if (error !== deadline.reason) throw error
    const program = options.command[0] ?? ''
    throw new LmappError(
      'backend-start-failed',
      `"${program} ${question.join(' ')}" did not end in ${answerMs / 1000} s.`,
      {
        details: { program, stderr: printed.tail() },
      },
    )
  } finally {
    child.kill()
    await child.exited
  }
}

function createPrinted() {
  let printed = ''
  return {
    add(text: string) {
      if (printed.length < maxAnswerCharacters) printed += text
    },
    text: () => printed,
    tail: () => printed.split(/\r?\n/).slice(-20),
  }
}

async function readAll(stream: AsyncIterable<Uint8Array>, add: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  try {
    for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }))
  } catch {
    // It was killed; what was read counts.
  }
}

/** `version: 4719 (fc1b0d0)`, as llama.cpp has it since 2023, or `version: 0.6.0-dev (build 11434, commit fc1b0d0)`. */
export function parseVersion(text: string): string | undefined {
  const [, number = '', build, commit] =
    /version:\s*([\w.-]+)\s*(?:\((?:build\s+)?([\w]+)(?:,\s*commit\s+(\w+))?\))?/.exec(text) ?? []
  if (number === '') return undefined
  if (commit !== undefined) return `b${build}-${commit}`
  return build === undefined ? number : `b${number}-${build}`
}

/** Lines that begin with an option name all its spellings. One that was removed is said to be. */
export function parseFlags(help: string): ReadonlySet<string> {
  const flags = new Set<string>()
  for (const line of help.split(/\r?\n/)) {
    if (!/^\s{0,8}-/.test(line) || /removed/i.test(line)) continue
    for (const [flag] of line.slice(0, 400).matchAll(/(?<![\w-])--?[a-z][\w-]*/gi)) flags.add(flag)
  }
  return flags
}
