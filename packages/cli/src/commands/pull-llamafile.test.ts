import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { runCommand } from '../run.ts'
import { createTestContext } from '../testing/test-context.ts'
import { openTestService, type TestService } from '../testing/test-service.ts'

/** Begins as a llamafile does; its checksum proves that it is whole. */
const program = Buffer.alloc(50_000, "MZqFpD='\n")
const requests: string[] = []
const off = (type: string) => ({ type, enabled: false })

/** A hub with one repository; its first download breaks off in the middle. */
const hub = createServer((request, response) => {
  requests.push(`${request.url} ${request.headers.range ?? ''}`.trim())
  if (request.url?.startsWith('/api/')) {
    const oid = createHash('sha256').update(program).digest('hex')
    const entry = { type: 'file', path: 'Tiny-Q8_0.llamafile', size: program.length, lfs: { oid } }
    response.end(JSON.stringify([entry]))
    return
  }
  const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const range = { 'content-range': `bytes ${start}-${program.length - 1}/${program.length}` }
  response.writeHead(start > 0 ? 206 : 200, { 'content-length': program.length - start, ...(start > 0 && range) })
  if (start > 0) response.end(program.subarray(start))
  else response.write(program.subarray(0, 20_000), () => cutWhenWritten(response))
})

/** The connection breaks when all that came is on disk. */
function cutWhenWritten(response: ServerResponse): void {
  const part = join(service.home, 'data/models/tiny-q8_0.llamafile.part')
  if ((statSync(part, { throwIfNoEntry: false })?.size ?? 0) === 20_000) response.destroy()
  else setImmediate(cutWhenWritten, response)
}

let service: TestService

before(async () => {
  await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve))
  const others = ['ollama', 'llama-server', 'lm-studio'].map((type) => [type, off(type)])
  service = await openTestService({}, { backends: { embedded: { type: 'embedded' }, ...Object.fromEntries(others) } })
  service.environment.HF_ENDPOINT = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`
})
after(async () => {
  await service[Symbol.asyncDispose]()
  hub.closeAllConnections()
  await new Promise((resolve) => hub.close(resolve))
})

async function lmapp(...argv: string[]) {
  const context = createTestContext({ connect: service.connect, environment: service.environment })
  const code = await runCommand(context, argv)
  return { code, stdout: context.stdout.text, stderr: context.stderr.text }
}

it('a llamafile is fetched by lmapp models pull, from the hub that the environment names, and may be run', async () => {
  const { code, stdout, stderr } = await lmapp('models', 'pull', '--yes', 'hf:someone/Tiny/Tiny-Q8_0.llamafile')
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^llamafile\/tiny-q8_0 is ready\./)
  assert.match(stderr, /fetching Tiny-Q8_0\.llamafile from hf:someone\/Tiny/)
  assert.match(stderr, /trying again/)
  assert.deepEqual(requests.slice(1), [
    '/someone/Tiny/resolve/main/Tiny-Q8_0.llamafile',
    '/someone/Tiny/resolve/main/Tiny-Q8_0.llamafile bytes=20000-',
  ])
  const modelsDir = join(service.home, 'data', 'models')
  assert.deepEqual(readdirSync(modelsDir).sort(), ['tiny-q8_0.llamafile', 'tiny-q8_0.llamafile.json'])
  const path = join(modelsDir, 'tiny-q8_0.llamafile')
  assert.deepEqual(readFileSync(path), program)
  assert.equal(statSync(path).mode & 0o777, 0o755)
  const models = JSON.parse((await lmapp('models', 'list', '--json')).stdout)
  assert.ok(models.every(({ backend }: { backend: string }) => backend !== 'embedded'))
})
