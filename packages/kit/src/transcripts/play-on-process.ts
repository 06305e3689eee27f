import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { isLmappError, LmappError } from '../errors/lmapp-error.ts'
import { playTranscript } from './play-transcript.ts'
import type { Transcript } from './transcript.ts'

export interface ProcessOptions {
  /** Program and arguments; no shell. */
  command: readonly [string, ...string[]]
  /** Its working directory. Default: this process's. */
  directory?: string
  /** Default: this process's. */
  environment?: Record<string, string>
  deadlineMs?: number
}

/**
 * Plays a transcript against a process of its own, with folders of its own; both are gone afterwards. Returns what it
 * wrote to stderr. Throws as `playTranscript` does, with that in `details.stderr`.
 */
export async function playOnProcess(transcript: Transcript, options: ProcessOptions): Promise<{ stderr: string }> {
  const [program, ...args] = options.command
  const { directory: cwd, environment: env, deadlineMs } = options
  await using folders = await makeFolders()
  const child = spawn(program, args, { ...(cwd !== undefined && { cwd }), ...(env && { env }), windowsHide: true })
  child.stdin.on('error', () => {})
  const stderr = text(child.stderr)
  const exited = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null)
  exited.catch(() => {})
  try {
    await once(child, 'spawn')
    const peer = { input: child.stdin, output: child.stdout, exited }
    await playTranscript(transcript, peer, { ...folders, ...(deadlineMs !== undefined && { deadlineMs }) })
  } catch (error) {
    if (child.pid === undefined) throw error
    child.kill('SIGKILL')
    // Its streams end before it is gone.
    await exited
    throw withStderr(error, await stderr)
  }
  return { stderr: await stderr }
}

interface Folders extends AsyncDisposable {
  dataDir: string
  exchangeDir: string
}

async function makeFolders(): Promise<Folders> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-transcript-'))
  const dataDir = join(folder, 'data')
  const exchangeDir = join(dataDir, 'exchange')
  await mkdir(exchangeDir, { recursive: true, mode: 0o700 })
  return { dataDir, exchangeDir, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

function withStderr(error: unknown, stderr: string): unknown {
  if (!isLmappError(error) || stderr === '') return error
  const { code, message, details } = error
  return new LmappError(code, `${message}\n${stderr.slice(-1000)}`, { details: { ...details, stderr }, cause: error })
}
