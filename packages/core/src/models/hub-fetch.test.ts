import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { type ErrorCode, isLmappError, type LmappError } from 'lmapp-kit'
import { createModelLibrary, type FetchOptions, type LibraryModel, type ModelLibraryOptions } from './index.ts'
import { ggufBytes, tinyMetadata, uint32 } from './testing/gguf-bytes.ts'
import { type HubOptions, type LoopbackServer, openHub, openServer, sendRange, sha256Of } from './testing/hub-server.ts'

let folder: string
let modelsDir: string
const servers: LoopbackServer[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-hub-'))
  modelsDir = join(folder, 'models')
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const model = ggufBytes()
const other = ggufBytes({ fill: 7 })
const files = { 'Tiny-Q4_K_M.gguf': model, 'Tiny-Q8_0.gguf': other, 'README.md': Buffer.from('# Tiny') }

async function hub(options: Partial<HubOptions> = {}): Promise<LoopbackServer> {
  const server = await openHub({ files, ...options })
  servers.push(server)
  return server
}

async function server(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<LoopbackServer> {
  const opened = await openServer(handler)
  servers.push(opened)
  return opened
}

function library(endpoint: string, options: Partial<ModelLibraryOptions> = {}) {
  return createModelLibrary({
    modelsDir,
    cacheDir: join(folder, 'cache'),
    environment: { HF_ENDPOINT: endpoint },
    retryDelaysMs: [0, 0],
    ...options,
  })
}

async function fetchAll(
  from: ReturnType<typeof library>,
  reference: string,
  options?: FetchOptions,
): Promise<{ model: LibraryModel; statuses: string[] }> {
  const statuses: string[] = []
  for await (const step of from.fetch(reference, options)) {
    statuses.push(step.status)
    if (step.done) return { model: step.done, statuses }
  }
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

const isDownload = (request: IncomingMessage) => request.url?.includes('/resolve/') ?? false
const parts = async () => (await readdir(modelsDir)).filter((name) => name.includes('.part'))

test('a file of the hub is fetched, checked, described and listed', async () => {
  const server = await hub()
  const from = library(server.url)
  const { model: fetched, statuses } = await fetchAll(from, 'hf:someone/Tiny-GGUF')
  assert.deepEqual(
    { ...fetched, fetchedAt: '' },
    {
      name: 'tiny-q4_k_m',
      format: 'gguf',
      path: join(modelsDir, 'tiny-q4_k_m.gguf'),
      sizeBytes: model.length,
      sha256: sha256Of(model),
      family: 'llama',
      parameters: '5K',
      license: 'mit',
      quantization: 'Q4_K_M',
      contextLength: 2048,
      source: 'hf:someone/Tiny-GGUF:Q4_K_M',
      fetchedAt: '',
    },
  )
  assert.deepEqual(await readFile(fetched.path), model)
  assert.deepEqual((await readdir(modelsDir)).sort(), ['tiny-q4_k_m.gguf', 'tiny-q4_k_m.json'])
  assert.ok(statuses.some((status) => status.startsWith('fetching Tiny-Q4_K_M.gguf')))
  assert.deepEqual(await from.list(), [fetched])
  assert.deepEqual(await from.get('tiny-q4_k_m'), fetched)
})

test('what is here is not fetched again, however it is written, even without network', async () => {
  const server = await hub()
  const { model: fetched } = await fetchAll(library(server.url), 'hf:someone/Tiny-GGUF:q4_k_m')
  const asked = server.requests.length
  const again = library(server.url)
  for (const reference of ['hf:someone/Tiny-GGUF', 'hf:someone/Tiny-GGUF:Q4_K_M']) {
    assert.deepEqual((await fetchAll(again, reference, { offline: true })).model, fetched)
  }
  assert.equal(server.requests.length, asked)
  const sameFile = await fetchAll(again, 'hf:someone/Tiny-GGUF:Tiny-Q4_K_M.gguf')
  assert.deepEqual(sameFile.model, fetched)
  assert.equal(server.requests.filter((request) => request.includes('/resolve/')).length, 1)
})

test('progress counts the bytes up to the whole', async () => {
  const server = await hub()
  const seen: (number | undefined)[] = []
  for await (const { progress } of library(server.url).fetch('hf:someone/Tiny-GGUF')) {
    if (progress) seen.push(progress.done, progress.total)
  }
  assert.equal(seen.at(-1), model.length)
  assert.equal(seen.at(-2), model.length)
})

test('the quantization or the file that is named is taken', async () => {
  const server = await hub({
    files: { ...files, 'deep/Tiny.F16.gguf': ggufBytes({ fill: 9 }), 'mmproj-F16.gguf': other },
  })
  const from = library(server.url)
  assert.equal((await fetchAll(from, 'hf:someone/Tiny-GGUF:q8_0')).model.sha256, sha256Of(other))
  const deep = await fetchAll(from, 'hf:someone/Tiny-GGUF:F16')
  assert.deepEqual([deep.model.name, deep.model.source], ['tiny.f16', 'hf:someone/Tiny-GGUF:F16'])
  assert.equal((await fetchAll(from, 'hf:someone/Tiny-GGUF:Tiny-Q4_K_M.gguf')).model.name, 'tiny-q4_k_m')
})

test('the only file is taken whatever its quantization; of several without Q4_K_M none is guessed', async () => {
  const one = await hub({ files: { 'weights.gguf': model } })
  assert.equal((await fetchAll(library(one.url), 'hf:someone/One')).model.name, 'weights')
  const several = await hub({ files: { 'a-Q8_0.gguf': model, 'a-Q5_0.gguf': other } })
  const error = await failure(fetchAll(library(several.url), 'hf:someone/Several'), 'model-not-found')
  assert.deepEqual(error.details?.known, ['Q5_0', 'Q8_0'])
  assert.match(error.hint, /lmapp models pull hf:someone\/Several:Q/)
  const none = await hub({ files: { 'model.safetensors': model } })
  assert.match((await failure(fetchAll(library(none.url), 'hf:someone/None'), 'model-not-found')).hint, /-GGUF/)
})

test('several files of one quantization are listed, and a model in parts is refused', async () => {
  const several = await hub({ files: { 'a-Q4_K_M.gguf': model, 'b-Q4_K_M.gguf': other } })
  const error = await failure(fetchAll(library(several.url), 'hf:someone/Several'), 'model-ambiguous')
  assert.deepEqual(error.details?.known, ['a-Q4_K_M.gguf', 'b-Q4_K_M.gguf'])
  const split = await hub({ files: { 'a-Q4_K_M-00001-of-00002.gguf': model, 'a-Q4_K_M-00002-of-00002.gguf': other } })
  await failure(fetchAll(library(split.url), 'hf:someone/Split'), 'unsupported')
  const hidden = await hub({
    files: { 'a.gguf': ggufBytes({ metadata: { ...tinyMetadata, 'split.count': uint32(2) } }) },
  })
  await failure(fetchAll(library(hidden.url), 'hf:someone/Hidden'), 'unsupported')
  assert.deepEqual(await readdir(modelsDir), [])
})

test('a long list comes in pages, of the same server only', async () => {
  const server = await hub({
    instead: (request, response) => {
      if (!request.url?.startsWith('/api/') || request.url.includes('cursor')) return false
      response.setHeader('link', '</api/models/someone/Tiny-GGUF/tree/main?cursor=2>; rel="next"')
      response.end('[]')
      return true
    },
  })
  assert.equal((await fetchAll(library(server.url), 'hf:someone/Tiny-GGUF')).model.name, 'tiny-q4_k_m')
  const elsewhere = await hub({
    instead: (_, response) => {
      response.setHeader('link', '<http://127.0.0.1:1/>; rel="next"').end('[]')
      return true
    },
  })
  await failure(fetchAll(library(elsewhere.url), 'hf:someone/Elsewhere'), 'model-not-found')
})

/** Ends the connection after so many bytes of the file, the first `times` times. */
function cutting(bytes: number, times: number): NonNullable<HubOptions['instead']> {
  let left = times
  return (request, response) => {
    if (!isDownload(request) || left === 0) return false
    left -= 1
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = `bytes ${start}-${model.length - 1}/${model.length}`
    const headers = { 'content-length': model.length - start, ...(start > 0 && { 'content-range': range }) }
    response.writeHead(start > 0 ? 206 : 200, headers)
    response.write(model.subarray(start, start + bytes), () => response.destroy())
    return true
  }
}

test('a connection that breaks in the middle is taken up where it broke', async () => {
  const server = await hub({ instead: cutting(4000, 3) })
  const { model: fetched, statuses } = await fetchAll(library(server.url), 'hf:someone/Tiny-GGUF')
  assert.deepEqual(await readFile(fetched.path), model)
  const ranges = server.requests.flatMap((request) => /bytes=\d+-/.exec(request)?.[0] ?? [])
  assert.deepEqual(ranges, ['bytes=4000-', 'bytes=8000-', 'bytes=12000-'])
  assert.ok(statuses.some((status) => status.endsWith('trying again')))
  assert.deepEqual(await parts(), [])
})

test('a fetch that failed is taken up by the next one, also of another process', async () => {
  const server = await hub({ instead: cutting(4000, 1) })
  const impatient = library(server.url, { retryDelaysMs: [] })
  await failure(fetchAll(impatient, 'hf:someone/Tiny-GGUF'), 'download-failed')
  assert.deepEqual((await parts()).sort(), ['tiny-q4_k_m.gguf.part', 'tiny-q4_k_m.gguf.part.json'])
  assert.deepEqual(await impatient.list(), [])
  const { model: fetched } = await fetchAll(library(server.url), 'hf:someone/Tiny-GGUF')
  assert.deepEqual(await readFile(fetched.path), model)
  assert.equal(server.requests.at(-1), 'GET /someone/Tiny-GGUF/resolve/main/Tiny-Q4_K_M.gguf bytes=4000-')
})

test('what is left of another file is not taken up', async () => {
  const server = await hub()
  await mkdir(modelsDir, { recursive: true })
  await writeFile(join(modelsDir, 'tiny-q4_k_m.gguf.part'), 'of something else')
  await writeFile(join(modelsDir, 'tiny-q4_k_m.gguf.part.json'), '{"sha256":"0"}')
  assert.deepEqual(await readFile((await fetchAll(library(server.url), 'hf:someone/Tiny-GGUF')).model.path), model)
})

test('a part that was whole already is only checked', async () => {
  const server = await hub({ instead: cutting(4000, 1) })
  await failure(fetchAll(library(server.url, { retryDelaysMs: [] }), 'hf:someone/Tiny-GGUF'), 'download-failed')
  await writeFile(join(modelsDir, 'tiny-q4_k_m.gguf.part'), model)
  const asked = server.requests.length
  await fetchAll(library(server.url), 'hf:someone/Tiny-GGUF')
  assert.equal(server.requests.length, asked + 1)
})

test('a server that ignores ranges, refuses them or sends another one makes it begin anew', async () => {
  const answers: ((request: IncomingMessage, response: ServerResponse) => void)[] = [
    (_, response) => response.writeHead(200, { 'content-length': model.length }).end(model),
    (_, response) => response.writeHead(416).end(),
    (_, response) => response.writeHead(206, { 'content-range': `bytes 1-9/${model.length}` }).end('wrong'),
    (_, response) => response.writeHead(206).end('no range at all'),
  ]
  for (const answer of answers) {
    const cut = cutting(4000, 1)
    const server = await hub({
      instead: (request, response) => {
        if (cut(request, response)) return true
        if (request.headers.range === undefined) return false
        answer(request, response)
        return true
      },
    })
    const from = library(server.url)
    const { model: fetched } = await fetchAll(from, 'hf:someone/Tiny-GGUF')
    assert.deepEqual(await readFile(fetched.path), model)
    await from.remove(fetched.name)
  }
})

test('a file with another checksum, or longer than said, is refused and removed', async () => {
  const wrong = await hub({ entry: (_, real) => ({ ...real, lfs: { oid: '0'.repeat(64) } }) })
  await failure(fetchAll(library(wrong.url), 'hf:someone/Tiny-GGUF'), 'checksum-mismatch')
  assert.deepEqual(await readdir(modelsDir), [])
  const longer = await hub({ entry: (_, real) => ({ ...real, size: 100 }) })
  await failure(fetchAll(library(longer.url), 'hf:someone/Tiny-GGUF'), 'checksum-mismatch')
  assert.deepEqual(await readdir(modelsDir), [])
})

test('a server that says it sends less than there is is not believed to be done', async () => {
  const server = await hub({ entry: (_, real) => ({ ...real, size: model.length + 1 }) })
  const error = await failure(fetchAll(library(server.url), 'hf:someone/Tiny-GGUF'), 'download-failed')
  assert.match(error.message, /416|range|too early/)
})

test('a file without checksum is still checked to be a whole model', async () => {
  const server = await hub({ entry: (_, { lfs: _lfs, ...real }) => real })
  assert.equal((await fetchAll(library(server.url), 'hf:someone/Tiny-GGUF')).model.sha256, sha256Of(model))
  const page = Buffer.from('<!doctype html>'.repeat(10))
  const noModel = await hub({ files: { 'page-Q4_K_M.gguf': page } })
  await failure(fetchAll(library(noModel.url), 'hf:someone/Page'), 'not-a-model')
  assert.deepEqual(await parts(), [])
})

test('redirects are followed, and the token stays with the server it is for', async () => {
  const storage = await server((request, response) => sendRange(request, response, model))
  const redirecting = await hub({
    instead: (request, response) => {
      if (!isDownload(request)) return false
      response.writeHead(302, { location: `${storage.url}/blob` }).end()
      return true
    },
  })
  const from = library(redirecting.url, { environment: { HF_ENDPOINT: `${redirecting.url}/`, HF_TOKEN: 'hf_secret' } })
  await fetchAll(from, 'hf:someone/Tiny-GGUF')
  assert.deepEqual(
    redirecting.headers.map(({ authorization }) => authorization),
    ['Bearer hf_secret', 'Bearer hf_secret'],
  )
  assert.deepEqual(
    storage.headers.map(({ authorization }) => authorization),
    [undefined],
  )
})

test('a mirror on this machine leads to no other host of it', async () => {
  for (const location of ['http://localhost:9/blob', 'http://10.0.0.7/blob', 'http://[::1]:9/blob']) {
    const redirecting = await hub({
      instead: (request, response) => {
        if (!isDownload(request)) return false
        response.writeHead(302, { location }).end()
        return true
      },
    })
    const error = await failure(fetchAll(library(redirecting.url), 'hf:someone/Tiny-GGUF'), 'download-failed')
    assert.match(error.hint, /lmapp config get sources/)
    assert.equal(redirecting.requests.length, 2)
  }
})

test('redirects in a circle, or to what is no web server, end it', async () => {
  for (const location of ['/again', 'file:///etc/passwd', 'http://']) {
    const circle = await server((_, response) => response.writeHead(302, { location }).end())
    await failure(fetchAll(library(circle.url), 'hf:someone/Tiny-GGUF'), 'download-failed')
    assert.ok(circle.requests.length <= 6)
  }
})

test('what the hub refuses is said, with what to do', async () => {
  const answering = (status: number, headers = {}) =>
    server((_, response) => response.writeHead(status, headers).end('{}'))
  const refused = await answering(401)
  const unauthorized = await failure(fetchAll(library(refused.url), 'hf:someone/Gated'), 'unauthorized')
  assert.match(unauthorized.hint, /HF_TOKEN/)
  const missing = await answering(404)
  await failure(fetchAll(library(missing.url), 'hf:someone/Missing'), 'model-not-found')
  assert.equal(missing.requests.length, 1)
  const teapot = await answering(418)
  await failure(fetchAll(library(teapot.url), 'hf:someone/Tea'), 'download-failed')
  assert.equal(teapot.requests.length, 1)
})

test('a server that is busy or broken is asked again, so many times', async () => {
  for (const status of [429, 500, 503]) {
    const busy = await server((_, response) => response.writeHead(status, { 'retry-after': '0' }).end())
    await failure(fetchAll(library(busy.url), 'hf:someone/Busy'), 'download-failed')
    assert.equal(busy.requests.length, 3)
  }
})

test('a server that was busy once is waited for as long as it asks', async () => {
  let isBusy = true
  const server = await hub({
    instead: (_, response) => {
      if (!isBusy) return false
      isBusy = false
      response.writeHead(429, { 'retry-after': '0.01' }).end()
      return true
    },
  })
  await fetchAll(library(server.url), 'hf:someone/Tiny-GGUF')
})

test('a server that falls silent, before or in the middle of its answer, is given up', async () => {
  const silent = await server(() => undefined)
  const impatient = { stallMs: 40, retryDelaysMs: [0] }
  const error = await failure(fetchAll(library(silent.url, impatient), 'hf:someone/Silent'), 'download-failed')
  assert.match(error.message, /nothing came for/)
  const half = await hub({
    instead: (request, response) => {
      if (!isDownload(request)) return false
      response.writeHead(206, { 'content-range': `bytes ${request.headers.range?.slice(6) ?? '0-'}` })
      if (request.headers.range === undefined) response.write(model.subarray(0, 1000))
      else response.flushHeaders()
      return true
    },
  })
  await failure(fetchAll(library(half.url, impatient), 'hf:someone/Half'), 'download-failed')
  assert.equal((await readFile(join(modelsDir, 'tiny-q4_k_m.gguf.part'))).length, 1000)
})

test('nobody there is a failed download', async () => {
  const error = await failure(fetchAll(library('http://127.0.0.1:1'), 'hf:someone/Tiny-GGUF'), 'download-failed')
  assert.match(error.message, /cannot be reached \(ECONNREFUSED\)/)
})

test('an answer that is no list of files is a failed download', async () => {
  for (const body of ['<html>', '{"error":"x"}']) {
    const odd = await server((_, response) => response.end(body))
    await failure(fetchAll(library(odd.url), 'hf:someone/Odd'), 'download-failed')
  }
  const endless = await server((_, response) => {
    const more = () => response.write(Buffer.alloc(1024 * 1024, ' '))
    response.on('drain', more)
    more()
  })
  await failure(fetchAll(library(endless.url), 'hf:someone/Endless'), 'download-failed')
  const strange = await server((_, response) =>
    response.end('[null, 5, {"type":"file"}, {"type":"file","path":"a.gguf","size":-0.5}]'),
  )
  await failure(fetchAll(library(strange.url), 'hf:someone/Strange'), 'model-not-found')
})

test('a reader who aborts gets the error at once, and what arrived is kept for the next fetch', async () => {
  const reached = Promise.withResolvers<void>()
  let isFirst = true
  const server = await hub({
    instead: (request, response) => {
      if (!isDownload(request) || !isFirst) return false
      isFirst = false
      response.writeHead(200, { 'content-length': model.length })
      response.write(model.subarray(0, 5000))
      response.once('close', reached.resolve)
      return true
    },
  })
  const controller = new AbortController()
  const from = library(server.url)
  const run = async () => {
    for await (const { progress } of from.fetch('hf:someone/Tiny-GGUF', { signal: controller.signal })) {
      if (progress && progress.done > 0) controller.abort()
    }
  }
  await failure(run(), 'cancelled')
  await reached.promise
  await failure(fetchAll(from, 'hf:someone/Tiny-GGUF', { signal: controller.signal }), 'cancelled')
  await fetchAll(from, 'hf:someone/Tiny-GGUF')
  assert.match(server.requests.at(-1) ?? '', /bytes=5000-$/)
})

test('fetches of the same model at once are one, which goes on while one reader is left', async () => {
  const gate = Promise.withResolvers<void>()
  const server = await hub({
    instead: (request, response) => {
      if (!isDownload(request)) return false
      response.writeHead(200, { 'content-length': model.length })
      response.write(model.subarray(0, 5000))
      void gate.promise.then(() => response.end(model.subarray(5000)))
      return true
    },
  })
  const from = library(server.url)
  const leaver = from.fetch('hf:someone/Tiny-GGUF')[Symbol.asyncIterator]()
  await leaver.next()
  const controller = new AbortController()
  const aborter = failure(fetchAll(from, 'hf:someone/Tiny-GGUF', { signal: controller.signal }), 'cancelled')
  const stayer = from.fetch('hf:someone/Tiny-GGUF:Q4_K_M')[Symbol.asyncIterator]()
  await stayer.next()
  controller.abort()
  await aborter
  await leaver.return?.()
  gate.resolve()
  let done: LibraryModel | undefined
  for (let step = await stayer.next(); !step.done; step = await stayer.next()) done = step.value.done
  assert.equal(done?.name, 'tiny-q4_k_m')
  assert.equal(server.requests.filter((request) => request.includes('/resolve/')).length, 1)
})

test('a new reader waits for the fetch that was just left, and takes it up', async () => {
  const server = await hub({ instead: cutting(5000, 1) })
  const from = library(server.url, { retryDelaysMs: [60_000] })
  const leaver = from.fetch('hf:someone/Tiny-GGUF')[Symbol.asyncIterator]()
  for (let step = await leaver.next(); !step.value?.status.endsWith('again'); step = await leaver.next());
  const left = leaver.return?.()
  const next = await fetchAll(from, 'hf:someone/Tiny-GGUF')
  await left
  assert.deepEqual(await readFile(next.model.path), model)
})

test('without network nothing is asked of it', async () => {
  const server = await hub()
  const error = await failure(fetchAll(library(server.url), 'hf:someone/Tiny-GGUF', { offline: true }), 'offline')
  assert.match(error.message, /hf:someone\/Tiny-GGUF/)
  assert.deepEqual(server.requests, [])
})

const entry = {
  name: 'tiny',
  description: 'Tiny.',
  sizeBytes: model.length,
  sha256: sha256Of(model),
  license: 'MIT',
  parameters: '5K',
  quantization: 'Q4_K_M',
  contextLength: 2048,
  sources: ['hf:someone/Tiny-GGUF:Q4_K_M'],
}

test('what Hugging Face’s own tools already fetched is copied, without network', async () => {
  const blobs = join(folder, 'hf', 'hub', 'models--someone--Tiny-GGUF', 'blobs')
  await mkdir(blobs, { recursive: true })
  await writeFile(join(blobs, entry.sha256), model)
  const environment = { HF_ENDPOINT: 'http://127.0.0.1:1', HF_HOME: join(folder, 'hf') }
  const from = library('', { catalogue: [entry], environment })
  const { model: fetched, statuses } = await fetchAll(from, 'tiny', { offline: true })
  assert.deepEqual([fetched.name, fetched.license], ['tiny', 'MIT'])
  assert.ok(statuses.some((status) => status.includes('HF_HOME')))
  await from.remove('tiny')
  await writeFile(join(blobs, entry.sha256), other)
  await failure(fetchAll(from, 'tiny', { offline: true }), 'checksum-mismatch')
  assert.deepEqual(await readdir(modelsDir), [])
})

test('the token that Hugging Face’s own tools stored is used; that of the front that asks goes before', async () => {
  await mkdir(join(folder, 'hf'))
  await writeFile(join(folder, 'hf', 'token'), 'hf_stored\n')
  const server = await hub()
  const from = library('', { environment: { HF_ENDPOINT: server.url, HF_HOME: join(folder, 'hf') } })
  await fetchAll(from, 'hf:someone/Tiny-GGUF')
  assert.equal(server.headers.at(-1)?.authorization, 'Bearer hf_stored')
  await fetchAll(from, 'hf:someone/Tiny-GGUF:Q8_0', { environment: { HF_TOKEN: 'hf_front' } })
  assert.equal(server.headers.at(-1)?.authorization, 'Bearer hf_front')
})

test('an endpoint that is no URL is refused', async () => {
  await failure(fetchAll(library('hub.example'), 'hf:someone/Tiny-GGUF'), 'bad-input')
})

test('a proxy is used where the environment names one', async () => {
  const proxied = await hub()
  const environment = { HF_ENDPOINT: 'http://hub.invalid', HTTP_PROXY: proxied.url }
  await fetchAll(library('', { environment }), 'hf:someone/Tiny-GGUF')
  assert.match(proxied.requests[0] ?? '', /^GET http:\/\/hub\.invalid\/api\//)
})

test('a file of the catalogue that is another one at its source is not even fetched', async () => {
  const server = await hub({ files: { 'Tiny-Q4_K_M.gguf': other } })
  await failure(fetchAll(library(server.url, { catalogue: [entry] }), 'tiny'), 'checksum-mismatch')
  assert.equal(server.requests.length, 1)
})

test('a model that the disk has no room for is refused before it is fetched, with the numbers', async () => {
  const server = await hub({ entry: (_, real) => ({ ...real, size: 2 ** 52 }) })
  const error = await failure(fetchAll(library(server.url), 'hf:someone/Tiny-GGUF'), 'disk-full')
  assert.equal(error.details?.neededBytes, 2 ** 52)
  assert.ok(Number(error.details?.freeBytes) > 0)
  assert.equal(server.requests.length, 1)
})

test('a disk that fills up in the middle ends it, and what was written is given back', async () => {
  const large = ggufBytes({ tensors: [{ name: 't', dimensions: [500_000], type: 0, offset: 0, bytes: 2_000_000 }] })
  const server = await hub({ files: { 'large-Q4_K_M.gguf': large } })
  const script = `
    import { createModelLibrary } from ${JSON.stringify(import.meta.resolve('./index.ts'))}
    const library = createModelLibrary({
      modelsDir: ${JSON.stringify(modelsDir)}, cacheDir: '/nowhere',
      environment: { HF_ENDPOINT: ${JSON.stringify(server.url)} },
    })
    try { for await (const step of library.fetch('hf:someone/large')); } catch (error) { process.exitCode = error.code === 'disk-full' ? 28 : 1 }
  `
  const node = [process.execPath, '--conditions=lmapp-source', '--input-type=module', '-e', script]
  // The limit would also cut the coverage file that the child writes at its end.
  const env = { ...process.env, NODE_V8_COVERAGE: undefined }
  const child = spawn('sh', ['-c', 'ulimit -f 1000; exec "$@"', 'sh', ...node], { stdio: 'ignore', env })
  const [code] = await once(child, 'close')
  assert.equal(code, 28)
  assert.deepEqual(await readdir(modelsDir), [])
})

test('a folder that cannot be made is named', async () => {
  await writeFile(join(folder, 'file'), '')
  const server = await hub()
  const from = library(server.url, { modelsDir: join(folder, 'file', 'models') })
  await failure(fetchAll(from, 'hf:someone/Tiny-GGUF'), 'path-unusable')
  assert.deepEqual(server.requests, [])
})

test('a name that another model has already gets its owner in front', async () => {
  const server = await hub()
  const from = library(server.url)
  await fetchAll(from, 'hf:someone/Tiny-GGUF')
  const second = await hub({ files: { 'Tiny-Q4_K_M.gguf': other } })
  const { model: fetched } = await fetchAll(library(second.url), 'hf:another/Tiny-GGUF')
  assert.equal(fetched.name, 'another-tiny-q4_k_m')
  assert.equal((await from.list()).length, 2)
})
