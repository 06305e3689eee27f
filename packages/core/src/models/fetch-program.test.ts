import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type FetchProgramOptions, fetchProgram, type ProgramFile } from './index.ts'
import { failure } from './testing/fetching.ts'
import { type LoopbackServer, openServer, sendRange, sha256Of } from './testing/hub-server.ts'

const program = Buffer.alloc(20_000, 'program ')
const name = 'engine-1.0'
const sum = `${sha256Of(program)}  ${name}\n`

let folder: string
let target: string
const servers: LoopbackServer[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-program-'))
  target = join(folder, 'engines', 'engine-1.0', 'engine')
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

type Instead = (request: IncomingMessage, response: ServerResponse) => boolean

/** Serves files by their path; `instead` answers in another way when it returns `true`. */
async function serve(files: Record<string, Buffer | string>, instead: Instead = () => false): Promise<LoopbackServer> {
  const server = await openServer((request, response) => {
    if (instead(request, response)) return
    const bytes = files[(request.url ?? '').slice(1)]
    if (bytes === undefined) response.writeHead(404).end('Not Found')
    else sendRange(request, response, Buffer.from(bytes))
  })
  servers.push(server)
  return server
}

const withSum = { [`1.0/${name}`]: program, '1.0/SHA256SUMS': sum }
const isProgram = ({ url }: IncomingMessage) => url?.endsWith(name) ?? false

async function fetchFrom(url: string, file: Partial<ProgramFile> = {}, options: Partial<FetchProgramOptions> = {}) {
  const statuses: string[] = []
  const place = { kind: 'address', url } as const
  const fetching = { environment: {}, signal: new AbortController().signal, retryDelaysMs: [0, 0] }
  const report = ({ status }: { status: string }) => void statuses.push(status)
  await fetchProgram({ name, place, folder: '1.0', ...file }, target, { ...fetching, report, ...options })
  return statuses
}

/** Sends 6,000 bytes from where it is asked to, and no more, the first so many times. */
function cutting(times: number): Instead {
  let more = times
  return (request, response) => {
    if (!isProgram(request) || more === 0) return false
    more -= 1
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const range = `bytes ${start}-${program.length - 1}/${program.length}`
    const headers = { 'content-length': program.length - start, ...(start > 0 && { 'content-range': range }) }
    response.writeHead(start > 0 ? 206 : 200, headers)
    response.write(program.subarray(start, start + 6000))
    sent = { until: start + 6000, cut: () => response.destroy() }
    return true
  }
}

/** Cuts the connection when all that was sent has arrived. */
let sent: { until: number; cut: () => void } | undefined
const cutOnArrival: Pick<FetchProgramOptions, 'report'> = {
  report: ({ progress }) => {
    if (progress?.done === sent?.until) sent?.cut()
  },
}

const left = async () => (await readdir(join(target, '..')).catch(() => [])).sort()

describe('a program', () => {
  it('is fetched, compared with a checksum that lies beside it, and may then be run', async () => {
    const server = await serve(withSum)
    const statuses = await fetchFrom(server.url)
    assert.deepEqual(await readFile(target), program)
    assert.equal((await stat(target)).mode & 0o777, 0o755)
    assert.deepEqual(await left(), ['engine'])
    assert.deepEqual(server.requests, ['GET /1.0/SHA256SUMS', `GET /1.0/${name}`])
    assert.match(statuses.at(-1) ?? '', /^fetching engine-1\.0 from 127\.0\.0\.1/)
  })

  it('has its checksum in a file of its own, where there is no list or none that names it', async () => {
    const own = { [`1.0/${name}`]: program, [`1.0/${name}.sha256`]: sha256Of(program) }
    await fetchFrom((await serve(own)).url)
    await rm(target)
    const list = `${'0'.repeat(64)}  another\n`
    await fetchFrom((await serve({ ...own, '1.0/SHA256SUMS': list })).url)
    assert.deepEqual(await readFile(target), program)
  })

  it('whose checksum is known beforehand is compared with that, and the place is not asked for one', async () => {
    const server = await serve({ ...withSum, '1.0/SHA256SUMS': `${'0'.repeat(64)}  ${name}\n` })
    await fetchFrom(server.url, { sha256: sha256Of(program), sizeBytes: program.length })
    assert.deepEqual(server.requests, [`GET /1.0/${name}`])
    const wrong = fetchFrom(server.url, { sha256: '1'.repeat(64) })
    await failure(wrong, 'checksum-mismatch')
    assert.deepEqual(await readFile(target), program)
  })

  it('that nobody has a checksum of is not even fetched', async () => {
    const server = await serve({ [`1.0/${name}`]: program })
    const error = await failure(fetchFrom(server.url), 'checksum-mismatch')
    assert.match(error.hint, /engine-1\.0\.sha256/)
    assert.ok(!server.requests.includes(`GET /1.0/${name}`))
    assert.deepEqual(await left(), [])
  })

  it('with another checksum is removed', async () => {
    const server = await serve({ ...withSum, [`1.0/${name}`]: Buffer.alloc(20_000, 'other') })
    await failure(fetchFrom(server.url), 'checksum-mismatch')
    assert.deepEqual(await left(), [])
  })

  it('that is cut in the middle is taken up where it broke, by this fetch or the next', async () => {
    const server = await serve(withSum, cutting(2))
    await failure(fetchFrom(server.url, {}, { retryDelaysMs: [], ...cutOnArrival }), 'download-failed')
    assert.deepEqual(await left(), ['engine.part', 'engine.part.json'])
    await fetchFrom(server.url, {}, cutOnArrival)
    assert.deepEqual(await readFile(target), program)
    const ranges = server.requests.flatMap((request) => /bytes=\d+-/.exec(request)?.[0] ?? [])
    assert.deepEqual(ranges, ['bytes=6000-', 'bytes=12000-'])
    assert.deepEqual(await left(), ['engine'])
  })

  it('is begun anew where the server has no such range, or ignores it', async () => {
    const answers = [
      (response: ServerResponse) => response.writeHead(416).end(),
      (response: ServerResponse) => response.writeHead(200, { 'content-length': program.length }).end(program),
    ]
    for (const answer of answers) {
      const cutOnce = cutting(1)
      const server = await serve(withSum, (request, response) => {
        if (!isProgram(request) || request.headers.range === undefined) return cutOnce(request, response)
        return Boolean(answer(response))
      })
      await fetchFrom(server.url, {}, cutOnArrival)
      assert.ok(server.requests.some((request) => request.endsWith('bytes=6000-')))
      assert.deepEqual(await readFile(target), program)
    }
  })

  it('that is longer or shorter than it should be is refused', async () => {
    const known = { sha256: sha256Of(program), sizeBytes: program.length }
    const longer = await serve({ [`1.0/${name}`]: Buffer.concat([program, program]) })
    await failure(fetchFrom(longer.url, known), 'checksum-mismatch')
    assert.deepEqual(await left(), [])
    const shorter = await serve({ [`1.0/${name}`]: program.subarray(1) })
    await failure(fetchFrom(shorter.url, known), 'download-failed')
  })

  it('comes whole from a server that does not say how long it is', async () => {
    const server = await serve(withSum, (request, response) => {
      if (!isProgram(request)) return false
      response.write(program.subarray(0, 7000), () => response.end(program.subarray(7000)))
      return true
    })
    await fetchFrom(server.url)
    assert.deepEqual(await readFile(target), program)
  })

  it('for which a web page comes is refused, and no page is taken for a checksum', async () => {
    const page: Instead = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>')
      return true
    }
    const server = await serve({}, page)
    await failure(fetchFrom(server.url), 'checksum-mismatch')
    const error = await failure(fetchFrom(server.url, { sha256: '0'.repeat(64) }), 'download-failed')
    assert.match(error.message, /sent a web page in place of engine-1\.0/)
  })

  it('that is not there is said to be not there, and a server that is busy is asked again', async () => {
    const missing = await serve({ '1.0/SHA256SUMS': sum })
    const error = await failure(fetchFrom(missing.url), 'download-failed')
    assert.equal(error.details?.status, 404)
    for (const list of [true, false]) {
      let isBusy = true
      const busy = await serve(withSum, (request, response) => {
        if (isProgram(request) === list || !isBusy) return false
        isBusy = false
        response.writeHead(503, { 'retry-after': '0' }).end()
        return true
      })
      await fetchFrom(busy.url)
      assert.deepEqual(await readFile(target), program)
    }
  })

  it('follows redirects, and not in a circle', async () => {
    const server = await serve(withSum, (request, response) => {
      if (!request.url?.startsWith('/moved/')) return false
      response.writeHead(302, { location: request.url.replace('/moved', '') }).end()
      return true
    })
    await fetchFrom(`${server.url}/moved`)
    const circle = await serve({}, (request, response) => {
      response.writeHead(302, { location: request.url ?? '' }).end()
      return true
    })
    await failure(fetchFrom(circle.url), 'download-failed')
    assert.ok(circle.requests.length <= 6)
  })

  it('may be slow, as long as something comes; a server that falls silent is given up', async () => {
    const silent = await serve(withSum, (request, response) => {
      if (!isProgram(request)) return false
      response.writeHead(200, { 'content-length': program.length }).write(program.subarray(0, 1000))
      return true
    })
    const error = await failure(fetchFrom(silent.url, {}, { stallMs: 40, retryDelaysMs: [] }), 'download-failed')
    assert.match(error.message, /connection broke|nothing came/)
    const slow = await serve(withSum, (request, response) => {
      if (!isProgram(request)) return false
      response.writeHead(200, { 'content-length': program.length })
      void drip(response, 20)
      return true
    })
    await fetchFrom(slow.url, {}, { stallMs: 1000 })
    assert.deepEqual(await readFile(target), program)
  })

  it('that the disk has no room for is refused when its length is known', async () => {
    const sizeBytes = 2 ** 52
    const server = await serve(withSum)
    await failure(fetchFrom(server.url, { sha256: '0'.repeat(64), sizeBytes }), 'disk-full')
    assert.deepEqual(server.requests, [])
    const huge = await serve(withSum, (request, response) => {
      if (!isProgram(request)) return false
      response.writeHead(200, { 'content-length': sizeBytes }).write('x')
      return true
    })
    await failure(fetchFrom(huge.url), 'disk-full')
    assert.deepEqual(await left(), [])
  })

  it('that nobody wants any more keeps what arrived', async () => {
    const controller = new AbortController()
    const server = await serve(withSum, (request, response) => {
      if (!isProgram(request)) return false
      response.writeHead(200, { 'content-length': program.length })
      response.write(program.subarray(0, 5000))
      return true
    })
    const report = ({ progress }: Parameters<FetchProgramOptions['report']>[0]) => {
      if (progress && progress.done > 0) controller.abort()
    }
    await assert.rejects(fetchFrom(server.url, {}, { signal: controller.signal, report }), { name: 'AbortError' })
    assert.equal((await stat(`${target}.part`)).size, 5000)
  })

  it('comes from a folder too, with the same checks', async () => {
    const place = { kind: 'folder', path: join(folder, 'mirror') } as const
    await mkdir(join(place.path, '1.0'), { recursive: true })
    const path = join(place.path, '1.0', name)
    const missing = await failure(fetchFrom('', { place }), 'path-unusable')
    assert.equal(missing.details?.path, path)
    await writeFile(path, program)
    await failure(fetchFrom('', { place }), 'checksum-mismatch')
    await writeFile(join(place.path, '1.0', `${name}.sha256`), 'nonsense')
    await failure(fetchFrom('', { place }), 'checksum-mismatch')
    await failure(fetchFrom('', { place, sha256: '0'.repeat(64) }), 'checksum-mismatch')
    await writeFile(join(place.path, '1.0', 'SHA256SUMS'), sum)
    await fetchFrom('', { place })
    assert.deepEqual(await readFile(target), program)
    assert.equal((await stat(target)).mode & 0o777, 0o755)
    assert.notEqual((await stat(path)).mode & 0o777, 0o755)
  })

  it('cannot be put where a file stands in the way', async () => {
    await writeFile(join(folder, 'engines'), '')
    await failure(fetchFrom((await serve(withSum)).url), 'path-unusable')
  })
})

/** In pieces, each when the one before is gone. */
async function drip(response: ServerResponse, pieces: number): Promise<void> {
  const length = program.length / pieces
  for (let piece = 0; piece < pieces; piece += 1) {
    const chunk = program.subarray(piece * length, (piece + 1) * length)
    await new Promise<void>((resolve) => void response.write(chunk, () => setImmediate(resolve)))
  }
  response.end()
}
