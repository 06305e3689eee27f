import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createModelLibrary, type ModelLibraryOptions } from './index.ts'
import { readLlamafile } from './llamafile.ts'
import { failure, fetchAll } from './testing/fetching.ts'
import { ggufBytes } from './testing/gguf-bytes.ts'
import { type HubOptions, type LoopbackServer, openHub, sha256Of } from './testing/hub-server.ts'
import { llamafileBytes } from './testing/llamafile-bytes.ts'

let folder: string
let modelsDir: string
const servers: LoopbackServer[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-llamafile-'))
  modelsDir = join(folder, 'models')
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const program = llamafileBytes()
const other = llamafileBytes({ members: { 'tiny.gguf': ggufBytes({ fill: 7 }) } })
const weights = ggufBytes()
const files = { 'Tiny-Q8_0.llamafile': program, 'README.md': Buffer.from('# Tiny') }
const reference = 'hf:someone/Tiny-llamafile/Tiny-Q8_0.llamafile'

async function hub(options: Partial<HubOptions> = {}): Promise<LoopbackServer> {
  const server = await openHub({ files, ...options })
  servers.push(server)
  return server
}

function library({ url }: Pick<LoopbackServer, 'url'>, options: Partial<ModelLibraryOptions> = {}) {
  const environment = { HF_ENDPOINT: url }
  return createModelLibrary({ modelsDir, cacheDir: folder, environment, retryDelaysMs: [0, 0], ...options })
}

const isDownload = (request: IncomingMessage) => request.url?.includes('/resolve/') ?? false
const withoutSums: Partial<HubOptions> = { entry: (_, { lfs: _lfs, ...real }) => real }

describe('a llamafile of the hub', () => {
  it('is fetched, checked, made runnable, described by its weights and listed apart from the GGUF files', async () => {
    const server = await hub()
    const from = library(server)
    const { model } = await fetchAll(from, reference)
    assert.deepEqual(
      { ...model, fetchedAt: '' },
      {
        name: 'tiny-q8_0',
        format: 'llamafile',
        path: join(modelsDir, 'tiny-q8_0.llamafile'),
        sizeBytes: program.length,
        sha256: sha256Of(program),
        family: 'llama',
        parameters: '5K',
        license: 'mit',
        quantization: 'Q4_K_M',
        contextLength: 2048,
        source: 'hf:someone/Tiny-llamafile:Tiny-Q8_0.llamafile',
        fetchedAt: '',
      },
    )
    assert.deepEqual(await readFile(model.path), program)
    assert.equal((await stat(model.path)).mode & 0o777, 0o755)
    assert.deepEqual((await readdir(modelsDir)).sort(), ['tiny-q8_0.llamafile', 'tiny-q8_0.llamafile.json'])
    assert.deepEqual(await from.list(), [])
    assert.deepEqual(await from.list('llamafile'), [model])
    assert.deepEqual(await from.get('tiny-q8_0', 'llamafile'), model)
    await failure(from.get('tiny-q8_0'), 'model-not-found')
  })

  it('that is here is not fetched again, however it is written', async () => {
    const server = await hub()
    const from = library(server)
    const { model } = await fetchAll(from, reference)
    const asked = server.requests.length
    for (const again of [reference, 'hf:someone/Tiny-llamafile:Tiny-Q8_0.llamafile']) {
      assert.deepEqual((await fetchAll(from, again, { offline: true })).model, model)
    }
    assert.equal(server.requests.length, asked)
    assert.deepEqual((await fetchAll(from, 'hf:someone/Tiny-llamafile')).model, model)
    assert.equal(server.requests.filter((request) => request.includes('/resolve/')).length, 1)
  })

  it('may have the name of a GGUF file, and is removed apart from it', async () => {
    const server = await hub({ files: { ...files, 'Tiny-Q8_0.gguf': weights } })
    const from = library(server)
    const { model: one } = await fetchAll(from, 'hf:someone/Tiny/Tiny-Q8_0.gguf')
    const { model: two } = await fetchAll(from, 'hf:someone/Tiny/Tiny-Q8_0.llamafile')
    assert.deepEqual([one.name, two.name], ['tiny-q8_0', 'tiny-q8_0'])
    const { freedBytes } = await from.remove('tiny-q8_0', 'llamafile')
    assert.ok(freedBytes >= program.length)
    assert.deepEqual(await from.list('llamafile'), [])
    assert.deepEqual(await from.list(), [one])
    assert.deepEqual((await readdir(modelsDir)).sort(), ['tiny-q8_0.gguf', 'tiny-q8_0.json'])
  })

  it('is found by its quantization, and asked for by name where several may be meant', async () => {
    const several = { 'A-Q4_K_M.llamafile': program, 'B-Q8_0.llamafile': other, 'C-Q8_0.llamafile': other }
    const from = library(await hub({ files: several }))
    assert.equal((await fetchAll(from, 'hf:someone/Some')).model.name, 'a-q4_k_m')
    const ambiguous = await failure(fetchAll(from, 'hf:someone/Some:q8_0'), 'model-ambiguous')
    assert.deepEqual(ambiguous.details?.known, ['B-Q8_0.llamafile', 'C-Q8_0.llamafile'])
    assert.equal(ambiguous.hint, 'Name the file: lmapp models pull hf:someone/Some/B-Q8_0.llamafile')
    const { 'A-Q4_K_M.llamafile': _, ...rest } = several
    const none = await failure(fetchAll(library(await hub({ files: rest })), 'hf:someone/Rest'), 'model-not-found')
    assert.deepEqual(none.details?.known, ['B-Q8_0.llamafile', 'C-Q8_0.llamafile'])
  })

  it('goes behind the weights alone where a repository has both', async () => {
    const both = { 'Tiny-Q4_K_M.llamafile': program, 'Tiny-Q4_K_M.gguf': weights, 'Tiny-Q8_0.llamafile': other }
    const from = library(await hub({ files: both }))
    assert.equal((await fetchAll(from, 'hf:someone/Both')).model.format, 'gguf')
    assert.equal((await fetchAll(from, 'hf:someone/Both:Q8_0')).model.format, 'llamafile')
  })

  it('that is cut in the middle is taken up where it broke', async () => {
    let left = 2
    const server = await hub({
      instead: (request, response) => {
        if (!isDownload(request) || left === 0) return false
        left -= 1
        const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
        const range = { 'content-range': `bytes ${start}-${program.length - 1}/${program.length}` }
        response.writeHead(start > 0 ? 206 : 200, { 'content-length': program.length - start, ...(start > 0 && range) })
        response.write(program.subarray(start, start + 4000), () => response.destroy())
        return true
      },
    })
    const { model } = await fetchAll(library(server), reference)
    assert.deepEqual(await readFile(model.path), program)
    const ranges = server.requests.flatMap((request) => /bytes=\d+-/.exec(request)?.[0] ?? [])
    assert.deepEqual(ranges, ['bytes=4000-', 'bytes=8000-'])
  })

  it('with another checksum or another length is refused and removed', async () => {
    const lies: HubOptions['entry'][] = [
      (_, real) => ({ ...real, lfs: { oid: '0'.repeat(64) } }),
      (_, real) => ({ ...real, size: 100 }),
    ]
    for (const entry of lies) {
      const server = await hub(entry && { entry })
      await failure(fetchAll(library(server), reference), 'checksum-mismatch')
      assert.deepEqual(await readdir(modelsDir), [])
    }
  })

  it('for which a web page comes is said to be one', async () => {
    const server = await hub({
      instead: (request, response) => {
        if (!isDownload(request)) return false
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>')
        return true
      },
    })
    const error = await failure(fetchAll(library(server), reference), 'download-failed')
    assert.match(error.message, /sent a web page in place of Tiny-Q8_0\.llamafile/)
    assert.equal(server.requests.length, 2)
  })

  it('that the disk has no room for is refused before it is fetched', async () => {
    const server = await hub({ entry: (_, real) => ({ ...real, size: 2 ** 52 }) })
    await failure(fetchAll(library(server), reference), 'disk-full')
    assert.equal(server.requests.length, 1)
  })

  it('that Windows could not start is refused before it is fetched', async () => {
    const server = await hub({ entry: (_, real) => ({ ...real, size: 2 ** 32 }) })
    const error = await failure(fetchAll(library(server, { platform: 'win32' }), reference), 'unsupported')
    assert.match(error.hint, /GGUF/)
    assert.equal(server.requests.length, 1)
    await failure(fetchAll(library(server, { platform: 'linux' }), reference), 'download-failed')
  })

  it('is one download for two who ask at once', async () => {
    const server = await hub()
    const from = library(server)
    const [one, two] = await Promise.all([fetchAll(from, reference), fetchAll(from, reference)])
    assert.deepEqual(one.model, two.model)
    assert.equal(server.requests.filter((request) => request.includes('/resolve/')).length, 1)
  })

  it('whose description is lost or belongs to another file is not listed', async () => {
    const from = library(await hub())
    const { model } = await fetchAll(from, reference)
    await writeFile(join(modelsDir, 'stray.llamafile'), program)
    await writeFile(model.path, program.subarray(1))
    assert.deepEqual(await from.list('llamafile'), [])
  })

  it('without checksum is held to be whole only by the zip at its end', async () => {
    const whole = await hub(withoutSums)
    assert.equal((await fetchAll(library(whole), reference)).model.parameters, '5K')
    for (const bytes of [program.subarray(0, -30), Buffer.from('<!doctype html>'.repeat(9)), Buffer.from('MZ')]) {
      const cut = await hub({ files: { 'Other-Q8_0.llamafile': bytes }, ...withoutSums })
      await failure(fetchAll(library(cut), 'hf:someone/Other'), 'not-a-model')
      assert.deepEqual((await readdir(modelsDir)).sort(), ['tiny-q8_0.llamafile', 'tiny-q8_0.llamafile.json'])
    }
  })

  it('whose name leads out of its repository is refused', async () => {
    for (const text of ['hf:a/b/../../c.llamafile', 'hf:a/b//c.llamafile', 'hf:a/b/c.txt', 'hf:a/b:../c.gguf']) {
      await failure(fetchAll(library({ url: 'http://127.0.0.1:1' }), text), 'bad-input')
    }
  })
})

describe('what begins a llamafile', () => {
  const read = async (bytes: Buffer, isProven = false) => {
    await mkdir(modelsDir, { recursive: true })
    const path = join(modelsDir, 'x.llamafile')
    await writeFile(path, bytes)
    return readLlamafile(path, { isProven })
  }

  it('is a portable program, or one for Linux or macOS', async () => {
    const beginnings = [
      "MZqFpD='",
      "jartsr='",
      '\x7fELF',
      Buffer.from('cffaedfe', 'hex'),
      Buffer.from('cafebabe', 'hex'),
    ]
    for (const beginning of beginnings) {
      assert.equal((await read(llamafileBytes({ beginning })))?.architecture, 'llama')
    }
  })

  it('is nothing else, whatever its checksum', async () => {
    for (const beginning of ['GGUF', 'MZ\x90\0', '#!/bin/sh', '<html>', 'PK\x03\x04', '']) {
      await failure(read(llamafileBytes({ beginning }), true), 'not-a-model')
    }
    await failure(read(Buffer.alloc(0), true), 'not-a-model')
  })

  it('is enough where the checksum was right: weights that cannot be read only say nothing', async () => {
    const odd = [
      llamafileBytes({ members: { '.args': Buffer.from('-m') } }),
      llamafileBytes({ isCompressed: true }),
      llamafileBytes({ members: { 'tiny.gguf': Buffer.from('no model') } }),
      llamafileBytes().subarray(0, -1),
      Buffer.from("MZqFpD='"),
    ]
    for (const bytes of odd) assert.equal(await read(bytes, true), undefined)
  })

  it('is followed by anything: damaged bytes are refused, or read, and never more than that', async () => {
    const sound = llamafileBytes()
    for (let round = 0; round < 300; round += 1) {
      const bytes = Buffer.from(sound)
      for (let hit = 0; hit < 4; hit += 1) {
        const last = bytes.length - 1 - ((round * 7 + hit * 131) % 400)
        bytes[last] = (round * 31 + hit * 17) % 256
      }
      await read(bytes).catch((error) => assert.equal(error.code, 'not-a-model', String(error)))
    }
  })

  it('takes the largest of several weights', async () => {
    const small = ggufBytes({ tensors: [{ name: 't', dimensions: [32], type: 0, offset: 0, bytes: 128 }] })
    const members = { 'mmproj.gguf': small, 'tiny.gguf': ggufBytes(), 'last.gguf': small }
    assert.equal((await read(llamafileBytes({ members })))?.parameters, '5K')
  })
})

it('a disk that fills up while a llamafile arrives gives back what was written', async () => {
  const large = llamafileBytes({ members: { 'zeros.bin': Buffer.alloc(2_000_000) } })
  const server = await hub({ files: { 'Large-Q8_0.llamafile': large } })
  const script = `
    import { createModelLibrary } from ${JSON.stringify(import.meta.resolve('./index.ts'))}
    const library = createModelLibrary({
      modelsDir: ${JSON.stringify(modelsDir)}, cacheDir: '/nowhere',
      environment: { HF_ENDPOINT: ${JSON.stringify(server.url)} },
    })
    try { for await (const step of library.fetch('hf:someone/Large')); } catch (error) { process.exitCode = error.code === 'disk-full' ? 28 : 1 }
  `
  const node = [process.execPath, '--conditions=lmapp-source', '--input-type=module', '-e', script]
  // The limit would also cut the coverage file that the child writes at its end.
  const env = { ...process.env, NODE_V8_COVERAGE: undefined }
  const child = spawn('sh', ['-c', 'ulimit -f 1000; exec "$@"', 'sh', ...node], { stdio: 'ignore', env })
  const [code] = await once(child, 'close')
  assert.equal(code, 28)
  assert.deepEqual(await readdir(modelsDir), [])
})
