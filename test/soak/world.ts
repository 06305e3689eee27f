import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient, type LmappClient } from 'lmapp-client'
import { createSocketTransport } from 'lmapp-client/node'
import { installPlugin, openRig, type Rig } from '../faults/matrix/rigs.ts'
import { bare, createHome, type Home, readText, testModel, untilGone } from '../support/home.ts'
import type { Random } from './random.ts'

/** A user with a service and several engines, all of which may be killed. Disposing ends all that is left. */
export interface World extends AsyncDisposable {
  readonly home: Home
  readonly client: LmappClient
  /** Model references of engines that say again what they are asked. */
  readonly echoes: readonly string[]
  /** Of the embedded engine, where its model is on this machine. */
  readonly embedded: string | undefined
  /** Of the service that runs now; one is started where none does. */
  service(): Promise<number>
  /** Kills one of the engines that run, if any does; its owner starts it again after a while. */
  killEngine(random: Random): string | undefined
  killService(): Promise<void>
  /** All engines run, and nothing that was is held against them. */
  forgive(): Promise<void>
}

/** Milliseconds. */
const timeouts = { connectMs: 2000, stallMs: 5000, loadMs: 20_000 }
const longestAbsenceMs = 2000
/** Tokens of the embedded engine's answers. */
export const embeddedTokens = 16

export async function openWorld(): Promise<World> {
  const stack = new AsyncDisposableStack()
  const home = stack.use(await createHome())
  await installPlugin(home)
  const rigs: Record<string, Rig> = {
    plugin: stack.use(await openRig('subprocess', 'echo')),
    ollama: stack.use(await openRig('ollama', 'echo')),
    'openai-compatible': stack.use(await openRig('openai-compatible', 'echo')),
  }
  const withModel = existsSync(testModel)
  const embedded = { type: 'embedded', models: { smol: testModel }, config: { threads: 1, parallel: 1 } }
  const backends = {
    ...bare.backends,
    ...Object.fromEntries(Object.entries(rigs).map(([id, { backend }]) => [id, backend])),
    ...(withModel && { embedded }),
  }
  const ids = Object.keys(rigs)
  await home.configure({ backends, aliases: toAliases(ids), timeouts, engines: { startOllama: false } })

  let starting: Promise<number> | undefined
  const startService = async () => {
    await home.lmapp(['history', 'list'])
    const pid = await home.servicePid()
    if (pid === undefined) throw new Error('The service did not start.')
    return pid
  }
  await startService()
  const { socket, tokenFile } = JSON.parse((await home.lmapp(['paths', '--json'])).stdout)
  const token = (await readText(tokenFile)).trim()
  const client = createClient({ transport: createSocketTransport({ socketPath: socket, token }) })
  let reviving = 0

  return {
    home,
    client,
    echoes: Object.keys(toAliases(ids)),
    embedded: withModel ? 'embedded/smol' : undefined,
    service() {
      starting ??= client
        .health()
        .then(({ pid }) => pid, startService)
        .finally(() => {
          starting = undefined
        })
      return starting
    },
    killEngine(random) {
      const running = [...ids, ...(withModel ? ['embedded'] : [])].flatMap((id) => {
        const pid = id === 'embedded' ? findEmbedded(home) : rigs[id]?.pid()
        return pid !== undefined && isOurs(pid) ? [{ id, pid }] : []
      })
      if (running.length === 0) return undefined
      const { id, pid } = random.oneOf(running)
      process.kill(pid, 'SIGKILL')
      reviving += 1
      void pause(random.below(longestAbsenceMs))
        .then(() => rigs[id]?.revive())
        .finally(() => {
          reviving -= 1
        })
      return id
    },
    async killService() {
      const { pid } = await client.health()
      process.kill(pid, 'SIGKILL')
      await untilGone(pid)
    },
    async forgive() {
      while (reviving > 0) await pause(50)
      await Promise.all(Object.values(rigs).map((rig) => rig.revive()))
      for (const id of ids) await client.startBackend(id)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Every order of the engines, and each by itself. */
function toAliases(ids: readonly string[]): Record<string, string[]> {
  const orders = ids.flatMap((first) =>
    ids
      .filter((id) => id !== first)
      .map((second) => [first, second, ...ids.filter((id) => ![first, second].includes(id))]),
  )
  const lists = [...orders, ...ids.map((id) => [id])]
  return Object.fromEntries(lists.map((list, index) => [`list-${index}`, list.map((id) => `${id}/echo`)]))
}

/** Pids of processes that were told of this home: its service, and all that the service started. */
export function processesOf(home: Home): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && readProc(pid, 'environ').includes(home.env.HOME ?? home.dir))
}

function findEmbedded(home: Home): number | undefined {
  return processesOf(home).find((pid) => readProc(pid, 'cmdline').includes('dist/main.js'))
}

/** A number may be another process's by now. */
function isOurs(pid: number): boolean {
  return /engine-process|plugin-process|dist\/main\.js/.test(readProc(pid, 'cmdline'))
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
