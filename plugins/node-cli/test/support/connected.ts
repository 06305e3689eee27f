import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A place that processes connect to, so that their end is an event: the system closes what they held. */
export interface Place extends AsyncDisposable {
  path: string
  /** Resolves when so many have come. */
  arrived(count: number): Promise<void>
  /** Sends a word to all who came. */
  tell(): void
  /** Resolves when all who came have gone. */
  gone(): Promise<void>
}

export async function openPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-place-'))
  const path = join(folder, 's')
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).resume()
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    path,
    async arrived(count) {
      while (sockets.size < count) await once(server, 'connection')
    },
    tell() {
      for (const socket of sockets) socket.write('now')
    },
    async gone() {
      await Promise.all([...sockets].map((socket) => once(socket, 'close')))
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Source of a program that comes to a place with a child of its own; both are deaf to SIGTERM. */
export const family = (path: string): string => `
  const child = \`process.on('SIGTERM', () => {}); require('node:net').connect(${JSON.stringify(path)}); setInterval(() => {}, 1000)\`
  process.on('SIGTERM', () => {})
  require('node:net').connect(${JSON.stringify(path)})
  require('node:child_process').spawn(process.execPath, ['-e', child], { stdio: ['ignore', 'inherit', 'inherit'] })
  process.stdout.write('We stay. ')
  setInterval(() => {}, 1000)`
