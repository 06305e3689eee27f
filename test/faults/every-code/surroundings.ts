import assert from 'node:assert/strict'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { apiPrefix } from 'lmapp-client'
import { createSocketTransport } from 'lmapp-client/node'
import type { ErrorCode, ErrorData } from 'lmapp-kit'
import { bare, untilGone } from '../../support/home.ts'
import { startFakeService } from './fake-service.ts'
import type { World } from './open-world.ts'
import { report, type Scenario, type Seen, tell } from './scenario.ts'

/** What can be wrong around the engines: the command line, the history, the service, the network. */
export const surroundings = {
  internal: async (world) => {
    // A history that says of itself that it is sound, and whose words nobody can read.
    const { options, historyFile } = await withHistory(world, 'unreadable')
    using database = new DatabaseSync(historyFile)
    const { id } = database.prepare('SELECT id FROM conversations').get() ?? {}
    database.exec("UPDATE messages SET parts = 'no JSON'")
    return await tell(world, ['history', 'show', String(id)], options)
  },
  'bad-input': (world) => tell(world, ['--modle', 'echo', 'Count.']),
  'confirmation-needed': (world) => tell(world, ['models', 'pull', 'hf:someone/Tiny']),
  'config-invalid': async (world) => {
    const { options } = await world.elsewhere('misconfigured', { failover: { retries: 'many' } })
    return report(world, ['Count.'], options)
  },
  'not-found': (world) => report(world, ['continue', 'ffffffff']),
  'not-owner': (world) => tell(world, ['backends', 'stop', 'vllm']),
  'method-not-found': async ({ home }) => {
    const { socket, tokenFile } = JSON.parse((await home.lmapp(['paths', '--json'])).stdout)
    const token = (await readFile(tokenFile, 'utf8')).trim()
    const path = `${apiPrefix}/no-such-thing`
    const answer = await createSocketTransport({ socketPath: socket, token }).send({ method: 'GET', path, headers: {} })
    const { error }: { error: ErrorData } = JSON.parse((await Array.fromAsync(answer.body)).join(''))
    return { hint: '', ...error }
  },

  'disk-full': (world) => pull(world, 'huge'),
  'store-corrupt': (world) => damageOpenHistory(world),
  'store-newer': async (world) => {
    const { options, historyFile } = await world.elsewhere('from-tomorrow')
    using database = new DatabaseSync(historyFile)
    database.exec('CREATE TABLE anything (id); PRAGMA user_version = 9999')
    return await report(world, ['Count.'], options)
  },
  'store-failed': async (world) => {
    const { options, historyFile } = await world.elsewhere('held')
    using database = new DatabaseSync(historyFile)
    database.exec('BEGIN EXCLUSIVE')
    return await report(world, ['Count.'], options)
  },
  'service-unavailable': (world) => meetFakeService(world, { knowsToken: false }),
  'service-version': (world) => meetFakeService(world, { knowsToken: true }),
  'port-in-use': (world) => tell(world, ['serve', '--port', String(world.engine.port)]),
  'path-unusable': async (world) => {
    const file = join(world.home.dir, 'a-file')
    await writeFile(file, '')
    return report(world, ['Count.'], { env: { LMAPP_HOME: file } })
  },
  'download-failed': (world) => pull(world, 'no-such-repository'),
  'checksum-mismatch': (world) => pull(world, 'damaged'),
  offline: (world) => report(world, ['models', 'pull', 'smollm2-135m']),
  'tool-missing': (world) => tell(world, ['config', 'edit'], { env: { EDITOR: 'no-such-editor' } }),
} as const satisfies Partial<Record<ErrorCode, Scenario>>

/** Fetches a model from the fake hub. */
async function pull(world: World, repository: string): Promise<Seen> {
  const { options } = await world.elsewhere('downloads', {})
  const env = { ...options.env, HF_ENDPOINT: world.hub.url, LMAPP_OFFLINE: '' }
  return report(world, ['models', 'pull', '--yes', `hf:someone/${repository}`], { env })
}

/** A second home in which something was said. */
async function withHistory(world: World, name: string, question = 'Hello.') {
  const box = { type: 'mock', models: { yes: { reply: 'Yes.', contextLength: 10_000_000 } } }
  const there = await world.elsewhere(name, { backends: { ...bare.backends, box } })
  const { code, stderr } = await world.home.lmapp(['-m', 'box/yes'], { ...there.options, stdin: question })
  assert.equal(code, 0, stderr)
  return there
}

/** Writes over the file while the service has it open. A long text is on pages that are read when they are needed. */
async function damageOpenHistory(world: World): Promise<Seen> {
  const { options, historyFile } = await withHistory(world, 'damaged', 'many words '.repeat(400_000))
  const background = { env: { ...options.env, LMAPP_SERVICE: '' } }
  const [conversation] = JSON.parse((await world.home.lmapp(['history', 'list', '--json'], background)).stdout)
  const { pid } = JSON.parse((await world.home.lmapp(['service', 'status', '--json'], background)).stdout)
  await using file = await open(historyFile, 'r+')
  const { size } = await file.stat()
  await file.write(Buffer.alloc(size - 4096, 0xa5), 0, undefined, 4096)
  try {
    return await tell(world, ['history', 'show', conversation.id], background)
  } finally {
    process.kill(pid)
    await untilGone(pid)
  }
}

async function meetFakeService(world: World, { knowsToken }: { knowsToken: boolean }): Promise<Seen> {
  const { options } = await world.elsewhere(knowsToken ? 'other-day' : 'impostor')
  const env = { ...options.env, LMAPP_SERVICE: '' }
  const { socket, tokenFile } = JSON.parse((await world.home.lmapp(['paths', '--json'], { env })).stdout)
  await using _service = await startFakeService({ socket, tokenFile, knowsToken })
  return await report(world, ['Count.'], { env })
}
