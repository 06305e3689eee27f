import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import type { Places } from '@lmapp/core/config'
import { LmappError, parseErrorData } from 'lmapp-kit'
import { ensureServicePlaces } from './service-places.ts'

/** From the start of the process to the open socket. A migration of a large history may take its time. */
const startDeadlineMs = 120_000
const firstLookMs = 5
const longestLookMs = 50
/** Before another start, when the one before found the lock taken; longer each time, for the holder may be starting. */
const firstAgainMs = 250
const longestAgainMs = 4000
const longestLogBytes = 4 * 1024 * 1024

/**
 * Starts the background service and resolves when its socket accepts. It inherits no descriptor and no terminal,
 * so that the shell that asked gets its prompt back. Throws what kept the service from starting.
 */
export async function startService(places: Places, environment: NodeJS.ProcessEnv): Promise<void> {
  ensureServicePlaces(places)
  rmSync(failureFile(places), { force: true })
  await untilItAccepts(places, () => beginStart(places, environment))
}

interface Start {
  /** What kept it from starting. */
  error?: unknown
  /** Another one had the lock, and it left. */
  left?: boolean
}

function beginStart(places: Places, environment: NodeJS.ProcessEnv): Start {
  const start: Start = {}
  const child = spawnService(places, environment)
  child.once('error', (error) => {
    start.error = new LmappError('service-unavailable', `The background service cannot be started: ${error.message}`, {
      details: { refused: true },
      cause: error,
    })
  })
  child.once('exit', (code) => {
    if (code === 0) start.left = true
    else start.error ??= readFailure(places)
  })
  return start
}

function spawnService(places: Places, environment: NodeJS.ProcessEnv): ChildProcess {
  rotate(places.serviceLogFile)
  const log = openSync(places.serviceLogFile, 'a', 0o600)
  const entry = new URL(process.env.LMAPP_BUNDLED ? './service.js' : './service.ts', import.meta.url)
  try {
    const child = spawn(process.execPath, [...process.execArgv, entry.pathname], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
      env: toServiceEnvironment(environment),
      windowsHide: true,
    })
    child.unref()
    return child
  } finally {
    closeSync(log)
  }
}

/** What every program needs, and what pip, TLS and proxies need; nothing that would change what lmapp does. */
const kept =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_.*|TZ|TMPDIR|TMP|TEMP|XDG_.*|LMAPP_HOME|LMAPP_CONFIG|LMAPP_TEST.*|NODE_V8_COVERAGE|NODE_EXTRA_CA_CERTS|SSL_CERT_.*|.*_CA_BUNDLE|PIP_.*|PYENV_.*|(ALL|HTTPS?|NO)_PROXY|SystemRoot|APPDATA|LOCALAPPDATA|USERPROFILE|ProgramData|PATHEXT|ComSpec)$/i

export function toServiceEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => kept.test(name)))
}

/** Where a service that could not start says why, for the front that waits for it. */
export function failureFile(places: Places): string {
  return `${places.serviceLogFile}.failure`
}

function readFailure(places: Places): LmappError {
  try {
    return parseErrorData(JSON.parse(readFileSync(failureFile(places), 'utf8')))
  } catch {
    return new LmappError('service-unavailable', 'The background service ended while it started.')
  }
}

/** One that had the lock may be about to end: then nobody opens the socket, and another start is due. */
async function untilItAccepts(places: Places, begin: () => Start): Promise<void> {
  const deadline = Date.now() + startDeadlineMs
  let start = begin()
  let againAt: number | undefined
  let againMs = firstAgainMs
  for (let pauseMs = firstLookMs; Date.now() < deadline; pauseMs = Math.min(pauseMs * 1.5, longestLookMs)) {
    if (await accepts(places.socket)) return
    if (start.error) throw start.error
    if (start.left) againAt ??= Date.now() + againMs
    if (againAt !== undefined && Date.now() >= againAt) {
      start = begin()
      againAt = undefined
      againMs = Math.min(againMs * 2, longestAgainMs)
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  throw new LmappError('service-unavailable', `The background service did not open ${places.socket} in time.`)
}

/** Whether something listens on the socket. */
export function accepts(socketPath: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(socketPath)
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size > longestLogBytes) renameSync(file, `${file}.1`)
}
