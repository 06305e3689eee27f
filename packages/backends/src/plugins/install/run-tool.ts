import { LmappError } from 'lmapp-kit'
import { findProgram, spawnChild, toChildEnvironment } from '../../processes/index.ts'

export interface ToolContext {
  environment: Readonly<Record<string, string | undefined>>
  /** Then only what is on this machine may be used. */
  offline: boolean
  signal: AbortSignal
}

export interface ToolResult {
  /** Null when a signal ended it. */
  code: number | null
  /** The end of it. */
  stdout: string
  /** The last lines. */
  stderr: string[]
}

export interface ToolRun {
  /** Program and arguments. */
  command: readonly string[]
  folder: string
  environment: Record<string, string>
  signal: AbortSignal
}

const longestStdout = 256 * 1024

/** Runs it to its end. It ends with us, and when `signal` aborts; then the reason is thrown. */
export async function runTool({ command, folder, environment, signal }: ToolRun): Promise<ToolResult> {
  signal.throwIfAborted()
  const child = await spawnChild({
    command,
    directory: folder,
    environment,
    execPath: process.execPath,
    execArgv: [],
    log: createTailLog(),
  })
  const stop = () => child.kill()
  signal.addEventListener('abort', stop)
  child.stdin.end()
  let stdout = ''
  try {
    for await (const chunk of child.stdout.setEncoding('utf8')) stdout = (stdout + chunk).slice(-longestStdout)
    const { exitCode, stderr } = await child.exited
    signal.throwIfAborted()
    return { code: exitCode, stdout, stderr }
  } finally {
    signal.removeEventListener('abort', stop)
    child.kill()
    await child.exited
  }
}

/** What is allow-listed for children, and the tool's own variables. */
export function toToolEnvironment(
  { environment }: ToolContext,
  own: RegExp,
  extra: Record<string, string>,
): Record<string, string> {
  const kept = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && (own.test(entry[0]) || network.test(entry[0])),
  )
  return { ...toChildEnvironment(environment), ...Object.fromEntries(kept), ...extra }
}

const network = /^((HTTPS?|ALL|NO)_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE)$/i

/** Undefined where `PATH` has none. */
export function findTool(name: string, { environment }: ToolContext): Promise<string | undefined> {
  return findProgram(name, { environment })
}

/** The words of a tool that failed, safe to print: its last line, without what may be secret in an address. */
export function toToolFailed(what: string, tool: string, { code, stderr }: ToolResult, said?: string): LmappError {
  const line = said ?? stderr.findLast((text) => text.trim() !== '' && !/A complete log of this run/.test(text)) ?? ''
  const words = toSafeLine(line.replace(/^(npm error|ERROR:)\s*/i, ''))
  return new LmappError('download-failed', `${tool} could not ${what}.`, {
    hint: words === '' ? 'Try again' : `${tool} says: ${words}`,
    details: { tool, exitCode: code, stderr: stderr.map(toSafeLine) },
  })
}

function toSafeLine(line: string): string {
  return line
    .replaceAll(/\p{Cc}+/gu, ' ')
    .replaceAll(/\/\/[^/@\s]+@/g, '//')
    .trim()
    .slice(0, 300)
}

const tailLines = 20

function createTailLog() {
  let text = ''
  return {
    write(chunk: string) {
      text = (text + chunk).slice(-20_000)
      return Promise.resolve()
    },
    tail: () =>
      text
        .split(/\r?\n/)
        .filter((line) => line !== '')
        .slice(-tailLines),
  }
}
