import { chmod, lstat, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { LmappError } from 'lmapp-kit'
import { isLoopbackAddress } from './access/guard.ts'

/**
 * Listens on a Unix socket that only this user may use, or on a named pipe. A socket that a dead service left is
 * replaced. Throws `service-unavailable` when something answers there, `path-unusable` when the system refuses.
 */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  assertPathFits(path)
  try {
    await listen(server, { path })
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw unusable(path, error)
    await removeStale(path)
    await listen(server, { path }).catch((again) => {
      throw unusable(path, again)
    })
  }
  if (process.platform !== 'win32') await chmod(path, 0o600)
}

export interface TcpPlace {
  host: string
  /** 0: any free one. */
  port: number
  /** Whether it may be an address that other machines reach. */
  outside?: boolean
}

/** Listens and returns the address as a URL. Throws `bad-input` and `port-in-use`. */
export async function listenOnTcp(server: Server, { host, port, outside = false }: TcpPlace): Promise<string> {
  const address = host.toLowerCase() === 'localhost' ? '127.0.0.1' : host
  // Nothing at all would be every address there is.
  if (address === '') throw noAddress(host)
  if (!outside && !isLoopbackAddress(address)) {
    throw new LmappError('bad-input', `"${host}" is not an address of this machine alone.`, {
      hint: 'Use the one that goes without saying, 127.0.0.1',
    })
  }
  try {
    await listen(server, { host: address, port })
  } catch (cause) {
    throw toTcpError(cause, address, port)
  }
  const bound = server.address()
  if (typeof bound !== 'object' || !bound) throw noAddress(host)
  // As a number, also where a name was given: only names that are listed are answered to.
  return `http://${bound.address.includes(':') ? `[${bound.address}]` : bound.address}:${bound.port}`
}

function noAddress(host: string, cause?: unknown): LmappError {
  return new LmappError('bad-input', `"${host}" is no address of this machine.`, {
    hint: 'Use the one that goes without saying, 127.0.0.1, or 0.0.0.0 for all of them',
    cause,
  })
}

/** Throws what `listenOnTcp` would throw now. */
export async function assertTcpFree(place: TcpPlace): Promise<void> {
  const server = createServer()
  await listenOnTcp(server, place)
  await new Promise((resolve) => server.close(resolve))
}

async function listen(server: Server, options: { path: string } | { host: string; port: number }): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  try {
    server.listen(options, resolve)
    await promise
  } finally {
    server.off('error', reject)
  }
}

/** The kernel's field for it: 108 bytes on Linux, 104 elsewhere, the last one a zero. */
function assertPathFits(path: string): void {
  const most = process.platform === 'linux' ? 107 : 103
  if (process.platform === 'win32' || Buffer.byteLength(path) <= most) return
  throw new LmappError('path-unusable', `The path is too long for a socket (${most} bytes): ${path}`, {
    hint: 'Set XDG_RUNTIME_DIR or TMPDIR to a shorter folder',
  })
}

/** Only what is a socket, and whose owner is dead for certain. */
async function removeStale(path: string): Promise<void> {
  if (await answers(path)) {
    throw new LmappError('service-unavailable', `Another service listens already: ${path}`, {
      hint: 'Use it, or end it: lmapp service stop',
    })
  }
  const stats = await lstat(path)
  if (!stats.isSocket()) throw unusable(path, new Error('Something else is there.'))
  await rm(path)
}

/** A service that is too busy to take a connection lives, too: only a refusal is death. */
function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(path)
  socket
    .once('connect', () => resolve(true))
    .once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED' && codeOf(error) !== 'ENOTSOCK'))
  return promise.finally(() => socket.destroy())
}

function unusable(path: string, cause: unknown): LmappError {
  return new LmappError('path-unusable', `No socket can be made there: ${path}`, { cause })
}

function toTcpError(cause: unknown, host: string, port: number): LmappError {
  switch (codeOf(cause)) {
    case 'EADDRINUSE':
      return new LmappError('port-in-use', `Port ${port} of ${host} is taken.`, { cause })
    case 'EACCES':
      return new LmappError('port-in-use', `The system keeps port ${port} for itself.`, { cause })
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EADDRNOTAVAIL':
      return noAddress(host, cause)
    default:
      return new LmappError('bad-input', `Nothing can listen on port ${port} of ${host}.`, {
        hint: 'Choose another one: lmapp serve --port 0',
        cause,
      })
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
