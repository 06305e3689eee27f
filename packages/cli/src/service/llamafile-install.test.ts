import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type ErrorCode, isLmappError, type Status } from 'lmapp-kit'
import {
  findLlamafile,
  installLlamafile,
  type LlamafileFetching,
  type LlamafileInstallation,
  llamafileVersion,
  planLlamafile,
} from './llamafile-install.ts'

const program = Buffer.alloc(30_000, 'llamafile ')
const sum = createHash('sha256').update(program).digest('hex')
const version = '1.0.0-test'
const name = `llamafile-${version}`

let folder: string
let enginesDir: string
let mirror: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lmapp-llamafile-'))
  enginesDir = join(folder, 'engines')
  mirror = join(folder, 'mirror')
})
afterEach(() => rmSync(folder, { recursive: true }))

function put(file: string, bytes: Buffer | string, of = version): void {
  mkdirSync(join(mirror, of), { recursive: true })
  writeFileSync(join(mirror, of, file), bytes, { mode: 0o755 })
}

const signal = new AbortController().signal
const install = (more: Partial<LlamafileInstallation> = {}, fetching: Partial<LlamafileFetching> = {}) =>
  Array.fromAsync(start(more, fetching))

function start(more: Partial<LlamafileInstallation> = {}, fetching: Partial<LlamafileFetching> = {}) {
  const installation = { enginesDir, source: mirror, version, ...more }
  return installLlamafile(installation, { signal, offline: false, environment: {}, retryDelaysMs: [0, 0], ...fetching })
}

const withCode = (code: ErrorCode) => (error: unknown) => isLmappError(error, code)
const installed = () => (existsSync(enginesDir) ? readdirSync(enginesDir, { recursive: true }).sort() : [])

async function serve(answer: RequestListener) {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    answer(request, response)
  })
  const listening = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', listening.resolve)
  await listening.promise
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      server.closeAllConnections()
      await closed.promise
    },
  }
}

describe('the engine of llamafile', () => {
  it('is put into a folder of its version, checked and ready to be run, also without network', async () => {
    put(name, program)
    put('SHA256SUMS', `${sum}  ${name}\n`)
    const statuses = await install({}, { offline: true })
    const path = join(enginesDir, name, 'llamafile')
    assert.deepEqual(readFileSync(path), program)
    assert.equal(statSync(path).mode & 0o777, 0o755)
    assert.deepEqual(installed(), [name, `${name}/install.lock`, `${name}/llamafile`])
    assert.ok(statuses.every(({ phase }) => phase === 'fetching'))
    assert.deepEqual(await findLlamafile(enginesDir), { path, version })
  })

  it('has the name of a program on Windows', async () => {
    put(name, program)
    put(`${name}.sha256`, sum)
    await install({ platform: 'win32', arch: 'x64' })
    assert.equal((await findLlamafile(enginesDir, 'win32'))?.path, join(enginesDir, name, 'llamafile.exe'))
    assert.equal(await findLlamafile(enginesDir, 'linux'), undefined)
  })

  it('that is there is not fetched again, and is then the one that was installed last', async () => {
    for (const each of [version, '2.0.0-test']) {
      put(`llamafile-${each}`, program, each)
      put('SHA256SUMS', `${sum}  llamafile-${each}\n`, each)
      await install({ version: each })
      const { path } = (await findLlamafile(enginesDir)) ?? { path: '' }
      assert.equal((await findLlamafile(enginesDir))?.version, each)
      utimesSync(dirname(path), new Date(1e12), new Date(1e12))
    }
    rmSync(mirror, { recursive: true })
    assert.deepEqual(await install(), [])
    assert.equal((await findLlamafile(enginesDir))?.version, version)
  })

  it('of a version that lmapp knows is compared with what lmapp knows, whatever its place says', async () => {
    put(`llamafile-${llamafileVersion}`, program, llamafileVersion)
    put('SHA256SUMS', `${sum}  llamafile-${llamafileVersion}\n`, llamafileVersion)
    await assert.rejects(install({ version: llamafileVersion }), withCode('checksum-mismatch'))
    assert.equal(await findLlamafile(enginesDir), undefined)
    const plan = await planLlamafile({ enginesDir, platform: 'linux', arch: 'x64' })
    assert.deepEqual(plan, {
      version: llamafileVersion,
      place: { kind: 'address', url: 'https://github.com/mozilla-ai/llamafile/releases/download' },
      from: 'github.com/mozilla-ai/llamafile/releases/download',
      path: join(enginesDir, `llamafile-${llamafileVersion}`, 'llamafile'),
      sizeBytes: 368_094_430,
      isHere: false,
    })
  })

  it('that nobody has a checksum of is refused', async () => {
    put(name, program)
    await assert.rejects(install(), withCode('checksum-mismatch'))
    assert.equal(await findLlamafile(enginesDir), undefined)
  })

  it('that its folder lacks is said to be missing', async () => {
    await assert.rejects(install(), withCode('path-unusable'))
    assert.equal((await planLlamafile({ enginesDir, source: mirror, version })).sizeBytes, undefined)
    put(name, program)
    assert.equal((await planLlamafile({ enginesDir, source: mirror, version })).sizeBytes, program.length)
  })

  it('is refused before anything is done where it does not run, or what is asked for is no version', async () => {
    const unsupported = [
      { platform: 'win32', arch: 'arm64' },
      { platform: 'linux', arch: 'riscv64' },
      { platform: 'freebsd', arch: 'x64' },
    ] as const
    for (const machine of unsupported) await assert.rejects(install(machine), withCode('unsupported'))
    for (const wrong of ['', '..', '../1', '1/../..', 'latest']) {
      await assert.rejects(install({ version: wrong }), withCode('bad-input'))
    }
    await assert.rejects(install({ source: 'mirror' }), withCode('config-invalid'))
    await assert.rejects(install({ source: 'http://127.0.0.1:1' }, { offline: true }), withCode('offline'))
    assert.deepEqual(installed(), [])
  })

  it('cannot be put where a file stands in the way', async () => {
    writeFileSync(enginesDir, '')
    await assert.rejects(install(), withCode('path-unusable'))
  })

  it('comes from a mirror, with progress, and is one download for two who ask at once', async () => {
    const gate = Promise.withResolvers<void>()
    await using server = await serve((request, response) => {
      if (request.url === `/${version}/SHA256SUMS`) return void response.end(`${sum}  ${name}\n`)
      response.writeHead(200, { 'content-length': program.length })
      response.write(program.subarray(0, 10_000))
      void gate.promise.then(() => response.end(program.subarray(10_000)))
    })
    const first = start({ source: server.url })
    const seen: Status[] = []
    for (let step = await first.next(); !step.done; step = await first.next()) {
      seen.push(step.value)
      if ((step.value.progress?.done ?? 0) > 0) break
    }
    const second = start({ source: server.url })
    assert.deepEqual((await second.next()).value, {
      type: 'status',
      phase: 'fetching',
      message: 'Another lmapp is fetching it; waiting.',
    })
    gate.resolve()
    for (let step = await first.next(); !step.done; step = await first.next()) seen.push(step.value)
    assert.ok((await second.next()).done)
    assert.deepEqual(seen.at(-1)?.progress, { done: program.length, total: program.length, unit: 'bytes' })
    assert.deepEqual(server.requests, [`GET /${version}/SHA256SUMS`, `GET /${version}/${name}`])
    assert.ok(await findLlamafile(enginesDir))
  })

  it('whose reader leaves stops, keeps what arrived and lets the next one go on', async () => {
    const closed = Promise.withResolvers<void>()
    const ranges: (string | undefined)[] = []
    await using server = await serve((request, response) => {
      if (!request.url?.endsWith(name)) return void response.end(`${sum}  ${name}\n`)
      const { range } = request.headers
      ranges.push(range)
      if (range !== undefined) {
        const headers = { 'content-range': `bytes 10000-29999/30000`, 'content-length': 20_000 }
        return void response.writeHead(206, headers).end(program.subarray(10_000))
      }
      response.once('close', closed.resolve)
      response.writeHead(200, { 'content-length': program.length }).write(program.subarray(0, 10_000))
    })
    for await (const { progress } of start({ source: server.url })) if ((progress?.done ?? 0) >= 10_000) break
    await closed.promise
    await install({ source: server.url })
    assert.deepEqual(ranges, [undefined, 'bytes=10000-'])
    assert.deepEqual(readFileSync((await findLlamafile(enginesDir))?.path ?? ''), program)
  })

  it('is stopped while it waits for another', async () => {
    const controller = new AbortController()
    await using server = await serve((_, response) => void response.writeHead(200).flushHeaders())
    const first = start({ source: server.url })
    await first.next()
    const second = start({ source: server.url }, { signal: controller.signal })
    await second.next()
    controller.abort()
    await assert.rejects(second.next(), { name: 'AbortError' })
    await first.return(undefined)
  })
})
