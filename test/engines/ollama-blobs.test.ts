/** A model that the real Ollama keeps, run where it lies while Ollama is off. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, it } from 'node:test'
import { promisify } from 'node:util'
import { createProcessRecords } from '@lmapp/backends/processes'
import { createDiskModels, createModelLibrary } from '@lmapp/core/models'
import { isLmappError } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { createEmbeddedBackendType } from '../../packages/cli/src/service/embedded-backend.ts'

const cache =
  process.env.LMAPP_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmapp-test')
const binary = join(cache, 'ollama/bin/ollama')
const modelFile = join(cache, 'models/SmolLM2-135M-Instruct.Q4_1.gguf')

const home = await mkdtemp(join(tmpdir(), 'lmapp-blobs-'))
after(() => rm(home, { recursive: true, force: true }))
const models = join(home, '.ollama/models')

/** `ollama create`, by a server that is ended again. */
async function createModels(...names: string[]): Promise<void> {
  if (!existsSync(binary) || !existsSync(modelFile)) throw new Error('Run: scripts/install-engines.sh model ollama')
  const environment = { PATH: process.env.PATH ?? '', HOME: home, OLLAMA_MODELS: models }
  const server = spawn(binary, ['serve'], {
    cwd: home,
    env: { ...environment, OLLAMA_HOST: '127.0.0.1:0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(server, 'exit')
  try {
    const address = await readAddress(server)
    await writeFile(join(home, 'Modelfile'), `FROM ${modelFile}\n`)
    for (const name of names) {
      await promisify(execFile)(binary, ['create', name, '-f', join(home, 'Modelfile')], {
        cwd: home,
        env: { ...environment, OLLAMA_HOST: `http://${address}` },
      })
    }
  } finally {
    server.kill('SIGTERM')
    await ended
  }
}

async function readAddress(server: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  if (!server.stderr) throw new Error('No stderr.')
  createInterface({ input: server.stderr }).on('line', (line) => {
    const [, address] = /Listening on (127\.0\.0\.1:\d+)/.exec(line) ?? []
    if (address) resolve(address)
  })
  server.once('exit', () => reject(new Error('Ollama did not start.')))
  return promise
}

function openType() {
  const library = createModelLibrary({ modelsDir: join(home, 'own'), cacheDir: join(home, 'cache'), environment: {} })
  const disk = createDiskModels({
    homeDir: home,
    platform: 'darwin',
    cacheDir: join(home, 'cache'),
    environment: {},
    settings: async () => ({ scan: true, folders: [] }),
  })
  return createEmbeddedBackendType({
    library,
    disk,
    enginesDir: join(home, 'engines'),
    environment: process.env,
    records: createProcessRecords({ dir: join(home, 'processes') }),
  })
}

it('is listed by its name in Ollama and runs in place, read and never copied', async () => {
  await createModels('smollm2', 'somebody/tiny:q4')
  const blobs = join(models, 'blobs')
  const [blob = ''] = (await readdir(blobs)).filter((name) => name.startsWith('sha256-'))
  const sizes = await Promise.all(
    (await readdir(blobs)).map(async (name) => ({ name, ...(await stat(join(blobs, name))) })),
  )
  const weights = sizes.toSorted((one, other) => other.size - one.size)[0]
  assert.ok(blob && weights)

  const type = openType()
  const definition = { id: 'embedded', config: { type: 'embedded', enabled: true }, environment: {} }
  const context = {
    timeouts: { connectMs: 10_000, stallMs: 60_000, loadMs: 600_000 },
    dataDir: join(home, 'data'),
    logFile: join(home, 'embedded.log'),
    modelsDir: join(home, 'own'),
  }
  const known = (await type.knownModels?.(definition, context)) ?? []
  assert.deepEqual(known.map(({ id }) => id).sort(), ['smollm2', 'somebody/tiny:q4'])
  const [found] = known
  assert.equal(found?.path, join(blobs, weights.name))
  assert.equal(found.digest, weights.name.replace('-', ':'))
  assert.deepEqual([found.family, found.quantization, found.contextLength], ['llama', 'Q4_1', 8192])

  await using backend = type.create(definition, context)
  const signal = new AbortController().signal
  await Array.fromAsync(type.prepare?.(definition, context, { signal, offline: true }) ?? [])
  await backend.start()
  const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Name a colour.' }] }]
  const ask = (model: string) => ({ model, messages, options: { temperature: 0, maxTokens: 8 } })
  const { text } = await readChat(backend.chat(ask('smollm2')))
  assert.ok(text.trim().length > 0)

  const after = await stat(join(blobs, weights.name))
  assert.deepEqual([after.ino, after.mtimeMs, after.size], [weights.ino, weights.mtimeMs, weights.size])
  const written = await readdir(context.dataDir, { recursive: true })
  assert.deepEqual(
    written.filter((name) => /gguf|sha256/.test(name)),
    [],
  )
  assert.deepEqual(await readdir(join(home, 'own')).catch(() => []), [])

  // What Ollama removes is gone at the next look, without a restart.
  await rm(join(models, 'manifests/registry.ollama.ai/somebody'), { recursive: true })
  assert.deepEqual(
    (await type.knownModels?.(definition, context))?.map(({ id }) => id),
    ['smollm2'],
  )
  const { error } = await tryChat(backend.chat(ask('somebody/tiny:q4')))
  assert.ok(isLmappError(error, 'model-not-found'))
})
