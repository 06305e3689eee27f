import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type HelloParams,
  inlineLimitBytes,
  interfaceVersion,
  isCompatibleVersion,
  LmappError,
  maxLineBytes,
  untilAborted,
} from 'lmapp-kit'
import { type SpawnOptions, spawnChild } from '../../processes/index.ts'
import { parseHelloResult } from './parse-results.ts'
import { createSession, type Session } from './session.ts'
import type { SubprocessTimeouts } from './timeouts.ts'

export interface OpenSessionOptions extends SpawnOptions {
  /** As people know the backend. */
  name: string
  config: Record<string, unknown>
  secrets: Record<string, string>
  dataDir: string
  timeouts: SubprocessTimeouts
}

/** For large values; the host's, emptied at every start. */
export function toExchangeDir(dataDir: string): string {
  return join(dataDir, 'exchange')
}

/**
 * Starts the process, says hello, then `start`. Throws `backend-start-failed`, `interface-version`, `protocol-violation`,
 * `path-unusable`, what the plugin itself answers, and the reason of `signal`; the process is then gone.
 */
export async function openSession(options: OpenSessionOptions, signal: AbortSignal): Promise<Session> {
  const exchangeDir = toExchangeDir(options.dataDir)
  await makeDirectories(options.dataDir, exchangeDir)
  signal.throwIfAborted()
  const child = await spawnChild(options)
  const session = createSession({ ...options, child, cleanUp: () => removeDirectory(exchangeDir) })
  try {
    await sayHello(session, options, exchangeDir, signal)
    await session.call('start', {}, { signal, deadlineMs: options.timeouts.workMs, stage: 'start' })
  } catch (error) {
    const explained = await session.explain(error, 'start')
    session.kill('Its start was given up.')
    await session.ended
    throw explained
  }
  return session
}

async function makeDirectories(dataDir: string, exchangeDir: string): Promise<void> {
  try {
    await rm(exchangeDir, { recursive: true, force: true })
    await mkdir(dataDir, { recursive: true, mode: 0o700 })
    await mkdir(exchangeDir, { mode: 0o700 })
  } catch (cause) {
    throw new LmappError('path-unusable', `The folder ${dataDir} cannot be used.`, { details: { dataDir }, cause })
  }
}

/** What stays behind is removed at the next start. */
async function removeDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true }).catch(() => {})
}

async function sayHello(
  session: Session,
  { name, config, secrets, dataDir, timeouts, log }: OpenSessionOptions,
  exchangeDir: string,
  signal: AbortSignal,
): Promise<void> {
  const hello: HelloParams = {
    interfaceVersions: [interfaceVersion],
    nonce: randomUUID(),
    config,
    secrets,
    limits: { maxLineBytes, inlineLimitBytes, cancelDeadlineMs: timeouts.cancelMs },
    dataDir,
    exchangeDir,
  }
  const { response } = session.open('hello', hello)
  const deadline = AbortSignal.timeout(timeouts.helloMs)
  const answer = await untilAborted(response, AbortSignal.any([signal, deadline])).catch((error: unknown) => {
    if (error !== deadline.reason) throw error
    throw new LmappError('backend-start-failed', `The backend "${name}" did not say hello in time.`, {
      details: { helloMs: timeouts.helloMs, stderr: log.tail() },
    })
  })
  const result = parseHelloResult(answer)
  if (!isCompatibleVersion(result.interfaceVersion)) throw otherVersion(name, result.interfaceVersion)
  if (result.nonce !== hello.nonce) {
    throw new LmappError('protocol-violation', `What answers for the backend "${name}" did not read the hello.`)
  }
}

export function otherVersion(name: string, version: string): LmappError {
  return new LmappError(
    'interface-version',
    `The backend "${name}" speaks interface version ${version}, lmapp ${interfaceVersion}.`,
    { details: { name, version, supported: [interfaceVersion] } },
  )
}
