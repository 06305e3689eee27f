import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { writeFileValue } from '../index.ts'

type Line = Record<string, unknown> & { params?: Record<string, unknown>; error?: { code: number; message: string } }

/** The example as a process, spoken to by hand. Disposing ends it. */
function openExample() {
  const program = join(import.meta.dirname, 'fixtures', 'example.ts')
  const child = spawn(process.execPath, ['--conditions=lmapp-source', program], { stdio: ['pipe', 'pipe', 'pipe'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const stderr = text(child.stderr)
  const exit = once(child, 'exit')
  let lastId = 0
  const send = (message: object) => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  return {
    child,
    stderr,
    send,
    ask: (method: string, params: unknown = {}) => {
      send({ id: ++lastId, method, params })
      return lastId
    },
    next: async (): Promise<Line> => JSON.parse(String((await lines.next()).value)),
    exitCode: async () => (await exit)[0],
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await exit
    },
  }
}

const hello = (extra: object = {}) => ({
  ...{ interfaceVersions: ['1.0'], nonce: 'n', config: {}, secrets: {}, limits: {}, dataDir: '/d', exchangeDir: '/e' },
  ...extra,
})

async function openGreeted(extra: object = {}) {
  const example = openExample()
  example.ask('hello', hello(extra))
  assert.ok((await example.next()).result)
  return example
}

const question = (words: string) => ({
  model: 'small',
  messages: [{ role: 'user', content: [{ type: 'text', text: words }] }],
})

describe('serve', () => {
  it('speaks the exchange of specs/lifecycle.md, line by line, and exits with 0 when stdin ends', async () => {
    const markdown = await readFile(join(import.meta.dirname, '../../../../specs/lifecycle.md'), 'utf8')
    const exchange = /```ndjson\n(.*?)\n```/s.exec(markdown)?.[1]?.split('\n') ?? []
    assert.ok(exchange.length > 10)
    await using example = openExample()
    for (const line of exchange) {
      const message = JSON.parse(line.slice(2))
      if (line.startsWith('→ ')) example.send(message)
      else assert.deepEqual(await example.next(), message)
    }
    example.child.stdin.end()
    assert.equal(await example.exitCode(), 0)
    assert.equal(await example.stderr, 'disposed\n')
  })

  it('ends on SIGTERM as at the end of stdin', async () => {
    await using example = await openGreeted()
    example.child.kill('SIGTERM')
    assert.equal(await example.exitCode(), 0)
    assert.equal(await example.stderr, 'disposed\n')
  })

  it('ends even when the backend does not, or fails to', async () => {
    await using hanging = await openGreeted({ config: { hangs: true } })
    await using failing = await openGreeted({ config: { fails: 'no' } })
    for (const example of [hanging, failing]) example.child.stdin.end()
    assert.equal(await failing.exitCode(), 1)
    assert.equal(await failing.stderr, 'example 0.1.0: It did not end cleanly: no\n')
    assert.equal(await hanging.exitCode(), 1)
  })

  it('ends without a backend when nobody said hello, or opening failed', async () => {
    await using silent = openExample()
    await using broken = openExample()
    broken.ask('hello', hello({ config: { broken: true } }))
    assert.deepEqual((await broken.next()).error, {
      code: -32603,
      message: 'I cannot open.',
      data: { code: 'engine-failed' },
    })
    for (const example of [silent, broken]) {
      example.child.stdin.end()
      assert.equal(await example.exitCode(), 0)
    }
  })

  it('ends when the line from the host is broken, and says so with the line, cut', async () => {
    const cases: [line: string | Uint8Array, said: string][] = [
      ['what?', 'A line is no JSON. It begins: "what?"'],
      [`\u001b${'x'.repeat(5000)}`, `A line is no JSON. It begins: "\\u001b${'x'.repeat(199)}"`],
      ['['.repeat(1_000_000), `A line is nested deeper than 500 levels. It begins: "${'['.repeat(200)}"`],
      [Uint8Array.of(0xff), 'A line is not valid UTF-8. It begins: "\ufffd"'],
      ['x'.repeat(8 * 1024 * 1024 + 1), `A line is longer than 8388608 bytes. It begins: "${'x'.repeat(200)}"`],
    ]
    for (const [line, said] of cases) {
      await using example = await openGreeted()
      example.child.stdin.on('error', () => {})
      example.child.stdin.write(line)
      example.child.stdin.write('\n')
      assert.equal(await example.exitCode(), 1)
      assert.equal(await example.stderr, `example 0.1.0: The line from the host broke: ${said}\ndisposed\n`)
    }
  })

  it('ends, whatever bytes come', async () => {
    const noise = randomBytes(100_000)
    for (const bytes of [noise, Buffer.concat([Buffer.from('\n'), noise])]) {
      await using example = openExample()
      example.child.stdin.on('error', () => {})
      example.child.stdin.end(bytes)
      assert.equal(await example.exitCode(), 1)
    }
  })

  it('answers nothing before hello, one hello, and only for versions it knows', async () => {
    await using example = openExample()
    example.ask('list_models')
    assert.match((await example.next()).error?.message ?? '', /first request must be "hello"/)
    example.ask('hello', hello({ interfaceVersions: ['2.0', 'x'] }))
    assert.equal((await example.next()).error?.code, -32034)
    example.ask('hello', hello({ interfaceVersions: ['2.0', '1.4'] }))
    assert.equal((await example.next()).error, undefined)
    example.ask('hello', hello())
    assert.match((await example.next()).error?.message ?? '', /already said/)
  })

  it('refuses parameters that are wrong, by name', async () => {
    await using example = openExample()
    for (const [params, name] of [
      [null, 'params'],
      [hello({ interfaceVersions: '1.0' }), 'interfaceVersions'],
      [hello({ nonce: 1 }), 'nonce'],
    ] as const) {
      example.ask('hello', params)
      assert.match((await example.next()).error?.message ?? '', new RegExp(`"${name}" must be`))
    }
    example.ask('hello', hello({ config: 1, secrets: { a: 1, b: 'c' } }))
    await example.next()
    for (const [method, params, name] of [
      ['chat', { request: 'hi' }, 'request'],
      ['chat', { request: { model: 'small', messages: [1] } }, 'request.messages'],
      ['chat', { request: { model: 'small', messages: [] }, credit: -1 }, 'credit'],
      ['chat', { request: { model: 'small', messages: [] }, credit: 1.5 }, 'credit'],
      ['embed', { model: 'small', input: [1] }, 'input'],
      ['embed', { input: [] }, 'model'],
    ] as const) {
      example.ask(method, params)
      assert.match((await example.next()).error?.message ?? '', new RegExp(`"${name}" must be`))
    }
    for (const method of ['count_tokens', 'pull_model', 'show_model', 'toString']) {
      example.ask(method, { model: 'small', messages: [] })
      assert.equal((await example.next()).error?.code, -32601)
    }
    example.send({ method: 'credit', params: 'much' })
    example.send({ method: 'credit', params: { id: 77, parts: 1 } })
    example.send({ method: 'cancel', params: 'all' })
    example.ask('is_running')
    assert.equal((await example.next()).error, undefined)
  })

  it('sends what one turn brings in one notification, at the end of the turn', async () => {
    await using example = await openGreeted()
    example.ask('chat', { request: question('Slowly'), credit: 100 })
    for (const seq of [1, 2, 3, 4]) {
      const { params } = await example.next()
      assert.deepEqual([params?.seq, params?.parts], [seq, [{ type: 'text-delta', text: `${seq} ` }]])
    }
    assert.equal(typeof (await example.next()).result, 'object')
    example.ask('chat', { request: question('Why?') })
    assert.equal(((await example.next()).params?.parts as unknown[]).length, 4)
  })

  it('never sends more than there is credit for, and answers is_running and cancel without any', async () => {
    await using example = await openGreeted()
    const chat = example.ask('chat', { request: question('Flood'), credit: 100 })
    for (const parts of [-1, 0.5, '7']) example.send({ method: 'credit', params: { id: chat, parts } })
    const counts: number[] = []
    const receive = async () => counts.push(((await example.next()).params?.parts as unknown[]).length)
    while (counts.reduce((sum, count) => sum + count, 0) < 100) await receive()
    example.ask('is_running')
    assert.equal(((await example.next()).result as { active: number }).active, 1)
    example.send({ method: 'credit', params: { id: chat, parts: 7 } })
    assert.equal(await receive().then(() => counts.at(-1)), 7)
    example.send({ method: 'cancel', params: { id: chat } })
    const last = [await example.next(), await example.next()]
    const { error } = last.find(({ id }) => id === chat) ?? {}
    assert.equal(error?.code, -32800)
    const { message } = last.find(({ method }) => method === 'log')?.params ?? {}
    assert.equal(message, 'stopped after 108', 'the engine was not held up by the lack of credit')
  })

  it('says cancelled for an abort, whoever threw it', async () => {
    await using example = await openGreeted()
    example.ask('chat', { request: question('Abort') })
    assert.equal((await example.next()).error?.code, -32800)
  })

  it('keeps to the longest line that the host takes', async () => {
    await using example = await openGreeted({ limits: { maxLineBytes: 1000 }, config: { long: 2000 } })
    example.ask('chat', { request: question('Large') })
    let seq = 0
    let parts = 0
    for (let line = await example.next(); line.method === 'parts'; line = await example.next()) {
      assert.equal(line.params?.seq, ++seq)
      assert.ok(JSON.stringify(line).length <= 1000)
      parts += (line.params?.parts as unknown[]).length
    }
    assert.ok(seq > 1)
    assert.equal(parts, 5)
    example.ask('list_models')
    assert.match((await example.next()).error?.message ?? '', /longer than the 1000 bytes/)
  })

  it('reads and writes large values as files', async () => {
    const exchangeDir = await mkdtemp(join(tmpdir(), 'lmapp-exchange-'))
    await using example = await openGreeted({ exchangeDir, limits: { inlineLimitBytes: 1000 } })
    const request = await writeFileValue(exchangeDir, Buffer.from(JSON.stringify(question('Why?'))))
    example.ask('chat', { request })
    assert.equal((await example.next()).method, 'parts')
    await example.next()
    example.ask('embed', { model: 'small', input: ['a'] })
    const inline = (await example.next()).result as { vectors: string[] }
    assert.equal(Buffer.from(inline.vectors[0] ?? '', 'base64').length, 256)
    example.ask('embed', { model: 'small', input: ['a', 'b', 'c', 'd'] })
    const { vectors } = (await example.next()).result as { vectors: { file: string; bytes: number } }
    assert.equal(vectors.bytes, 1024)
    assert.equal((await stat(vectors.file)).mode & 0o777, 0o600)
    await writeFile(request.file, 'x'.repeat(request.bytes))
    example.ask('chat', { request })
    assert.match((await example.next()).error?.message ?? '', /checksum/)
    example.ask('chat', { request: await writeFileValue(exchangeDir, Buffer.from('no JSON')) })
    assert.match((await example.next()).error?.message ?? '', /holds no JSON/)
    await rm(exchangeDir, { recursive: true })
  })
})
