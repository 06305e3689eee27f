import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { type ErrorCode, isLmappError, type LmappError } from 'lmapp-kit'
import { type CatalogueEntry, createModelLibrary, type LibraryModel, standardCatalogue } from './index.ts'
import type { ModelLibraryOptions } from './library.ts'
import { parseSource } from './sources.ts'
import { ggufBytes } from './testing/gguf-bytes.ts'
import { type LoopbackServer, openHub, sha256Of } from './testing/hub-server.ts'

const model = ggufBytes()
const entry: CatalogueEntry = {
  name: 'tiny',
  description: 'Tiny.',
  sizeBytes: model.length,
  sha256: sha256Of(model),
  license: 'MIT',
  parameters: '5K',
  quantization: 'Q4_K_M',
  contextLength: 2048,
  sources: ['wheel:tiny-model==1.0', 'hf:someone/Tiny-GGUF:Q4_K_M'],
}

let folder: string
let hub: LoopbackServer
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-library-'))
  hub = await openHub({ files: { 'Tiny-Q4_K_M.gguf': model } })
})
after(async () => {
  await hub[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})
afterEach(() => rm(join(folder, 'models'), { recursive: true, force: true }))

function library(options: Partial<ModelLibraryOptions> = {}) {
  return createModelLibrary({
    modelsDir: join(folder, 'models'),
    cacheDir: join(folder, 'cache'),
    catalogue: [entry],
    environment: { HF_ENDPOINT: hub.url },
    python: [],
    retryDelaysMs: [],
    ...options,
  })
}

async function fetchAll(from: ReturnType<typeof library>, reference: string): Promise<LibraryModel> {
  for await (const { done } of from.fetch(reference)) if (done) return done
  return assert.fail('it ended without the model')
}

async function failure(run: Promise<unknown>, code: ErrorCode): Promise<LmappError> {
  const error = await run.then(
    () => assert.fail('it did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(isLmappError(error), String(error))
  assert.equal(error.code, code, error.message)
  return error
}

test('the sources of a model are tried in order until one has it', async () => {
  const fetched = await fetchAll(library(), 'tiny')
  assert.deepEqual([fetched.name, fetched.source, fetched.license], ['tiny', 'hf:someone/Tiny-GGUF:Q4_K_M', 'MIT'])
})

test('when no source has it, all that went wrong is told, and the first hint', async () => {
  const error = await failure(
    fetchAll(library({ environment: { HF_ENDPOINT: 'http://127.0.0.1:1' } }), 'tiny'),
    'download-failed',
  )
  const attempts = error.details?.attempts as { source: string; code: string }[]
  assert.deepEqual(
    attempts.map(({ source, code }) => [source, code]),
    [
      ['wheel:tiny-model==1.0', 'tool-missing'],
      ['hf:someone/Tiny-GGUF:Q4_K_M', 'download-failed'],
    ],
  )
  assert.match(error.message, /Python with pip is not installed.* ECONNREFUSED|ECONNREFUSED/)
  assert.deepEqual(JSON.parse(JSON.stringify(error.toData())), error.toData())
})

test('several sources that fail in one way fail in that way', async () => {
  const run = async () => {
    for await (const _ of library().fetch('tiny', { offline: true }));
  }
  const { message, details } = await failure(run(), 'offline')
  assert.equal(message, 'Fetching tiny needs the network, and LMAPP_OFFLINE forbids it.')
  assert.equal(details, undefined)
})

test('a source of the catalogue means its model, the version need not be said', async () => {
  const from = library()
  assert.equal((await fetchAll(from, 'hf:someone/Tiny-GGUF:Q4_K_M')).name, 'tiny')
  assert.equal((await fetchAll(from, 'wheel:tiny-model')).name, 'tiny')
})

test('a name that nobody knows is refused, and the nearest is named', async () => {
  const error = await failure(fetchAll(library(), 'tinny'), 'model-not-found')
  assert.match(error.hint, /Did you mean "tiny"/)
  assert.match((await failure(fetchAll(library(), 'gpt-oss-120b'), 'model-not-found')).hint, /^From Hugging Face/)
  for (const reference of [
    'hf:',
    'hf:owner',
    'hf:../repo',
    'hf:a/b c',
    'wheel:',
    'wheel:a,',
    'wheel:--index-url',
    'wheel:a==1;b',
  ]) {
    await failure(fetchAll(library(), reference), 'bad-input')
  }
})

test('a model is removed with all that belongs to it, and says how much is free again', async () => {
  const from = library()
  const { path } = await fetchAll(from, 'tiny')
  const sizes = await Promise.all([path, path.replace('.gguf', '.json')].map(async (file) => (await stat(file)).size))
  assert.deepEqual(await from.remove('tiny'), { freedBytes: sizes.reduce((sum, size) => sum + size) })
  assert.deepEqual(await readdir(join(folder, 'models')), [])
  assert.match((await failure(from.remove('tiny'), 'model-not-found')).hint, /lmapp models pull tiny/)
})

test('what is made for a model is for its owner only', { skip: process.platform === 'win32' }, async () => {
  const { path } = await fetchAll(library(), 'tiny')
  const modes = [join(folder, 'models'), path, path.replace('.gguf', '.json')].map(
    async (each) => (await stat(each)).mode & 0o777,
  )
  assert.deepEqual(await Promise.all(modes), [0o700, 0o600, 0o600])
})

test('only whole models with their description are listed', async () => {
  const from = library()
  assert.deepEqual(await from.list(), [])
  const fetched = await fetchAll(from, 'tiny')
  const folderOf = (name: string) => join(folder, 'models', name)
  const description = await readFile(folderOf('tiny.json'), 'utf8')
  await writeFile(folderOf('stray.gguf'), model)
  await writeFile(folderOf('broken.gguf'), model)
  await writeFile(folderOf('broken.json'), '{"name":')
  await writeFile(folderOf('odd.gguf'), model)
  await writeFile(folderOf('odd.json'), 'null')
  await writeFile(folderOf('less.gguf'), model)
  await writeFile(folderOf('less.json'), '{"name":"less"}')
  await writeFile(folderOf('renamed.gguf'), model)
  await writeFile(folderOf('renamed.json'), description)
  await writeFile(folderOf('short.gguf'), model.subarray(1))
  await writeFile(folderOf('short.json'), description.replace('"tiny"', '"short"'))
  assert.deepEqual(await from.list(), [fetched])
  await failure(from.get('../models/tiny'), 'model-not-found')
  assert.match((await failure(from.get('tny'), 'model-not-found')).hint, /models list/)
})

test('a model of the catalogue that is here as another file is fetched anew', async () => {
  const old = { ...entry, sha256: '0'.repeat(64) }
  await fetchAll(library(), 'tiny')
  await failure(fetchAll(library({ catalogue: [old] }), 'tiny'), 'download-failed')
  assert.equal((await library().list()).length, 1)
})

test('an empty catalogue is a mistake of the program', () => {
  assert.throws(() => library({ catalogue: [] }), TypeError)
})

test('the catalogue is well-formed, and its first model small enough to be fetched without a question', () => {
  const from = createModelLibrary({ modelsDir: '/m', cacheDir: '/c', environment: {} })
  assert.equal(from.catalogue, standardCatalogue)
  assert.equal(from.defaultModel.name, 'smollm2-135m')
  assert.ok(from.defaultModel.sizeBytes <= 150_000_000)
  const names = standardCatalogue.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const { name, sha256, sizeBytes, sources, license, description } of standardCatalogue) {
    assert.match(name, /^[a-z0-9.-]+$/)
    assert.match(sha256, /^[0-9a-f]{64}$/)
    assert.ok(Number.isSafeInteger(sizeBytes) && license && description)
    assert.ok(sources.length > 0 && sources.every((source) => parseSource(source)))
  }
})
