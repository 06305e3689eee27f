import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { isLmappError } from '../errors/lmapp-error.ts'
import { parseTranscript, playOnProcess, playTranscript } from './index.ts'

type Line = Record<string, unknown>

const head = { transcript: 'x', title: 'An example' }
const chat = { host: { id: 1, method: 'chat' } }
const other = { host: { id: 'two', method: 'chat' } }
const exit = { pluginExit: 0 }
const end = [{ hostEnd: true }, exit]
const parts = (seq: number, texts: string[], id: unknown = 1) => ({
  method: 'parts',
  params: { id, seq, parts: texts.map((item) => ({ type: 'text-delta', text: item })) },
})
const done = { id: 1, result: { usage: { tokens: 1 } } }
const ab = { plugin: parts(1, ['a', 'b']) }
const toTranscript = (...lines: Line[]) =>
  parseTranscript([head, ...lines].map((line) => JSON.stringify(line)).join('\n'), 'x')

interface Played {
  error: unknown
  /** What the host wrote. */
  written: string
}

/** The plugin writes all of this at once, whatever it is asked, then ends. */
async function play(lines: Line[], written: (Line | string)[], options: { code?: number } = {}): Promise<Played> {
  const input = new PassThrough()
  const output = new PassThrough()
  const heard = text(input)
  output.end(written.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''))
  const exited = options.code === undefined ? undefined : Promise.resolve(options.code)
  const peer = { input, output, ...(exited && { exited }) }
  const error = await playTranscript(toTranscript(...lines), peer, {
    dataDir: '/d',
    exchangeDir: '/e',
    nonce: 'n',
  }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  input.end()
  return { error, written: await heard }
}

async function passes(lines: Line[], written: (Line | string)[]): Promise<void> {
  assert.equal((await play(lines, written)).error, undefined)
}

async function fails(lines: Line[], written: (Line | string)[], expected: RegExp, code?: number): Promise<void> {
  const { error } = await play(lines, written, { ...(code !== undefined && { code }) })
  assert.ok(isLmappError(error), `It passed: ${JSON.stringify(written)}`)
  assert.match(error.message, expected)
}

describe('playTranscript', () => {
  it('passes what is written as expected, with more members and in other batches', async () => {
    const lines = [chat, ab, { plugin: done }, ...end]
    await passes(lines, [parts(1, ['a', 'b']), done])
    await passes(lines, [
      parts(1, ['a']),
      '',
      parts(2, ['b']),
      { ...done, later: 1, result: { usage: { tokens: 1, more: 2 } } },
    ])
    await passes(
      [chat, { plugin: parts(1, ['a']) }, { plugin: parts(2, ['b']) }, { plugin: done }, ...end],
      [parts(1, ['a', 'b']), done],
    )
  })

  it('compares members, values and the length of lists', async () => {
    const lines = [chat, { plugin: { id: 1, result: { models: [{ id: 'a' }], at: null } } }, ...end]
    await passes(lines, [{ id: 1, result: { models: [{ id: 'a', size: 1 }], at: null } }])
    for (const [result, path] of [
      [{ models: [{ id: 'b' }], at: null }, 'result.models.0.id'],
      [{ models: [], at: null }, 'result.models'],
      [{ models: { 0: { id: 'a' } }, at: null }, 'result.models'],
      [{ models: ['a'], at: null }, 'result.models.0'],
      [{ models: [{ id: 'a' }, { id: 'b' }], at: null }, 'result.models'],
      [{ models: [{ id: 'a' }] }, 'result.at'],
      [[], 'result'],
    ] as const) {
      await fails(lines, [{ id: 1, result }], new RegExp(`^x:3: Something else was expected at "${path}"`))
    }
  })

  it('compares the codes of an error, not its words', async () => {
    const error = { code: -1, message: 'No.', data: { code: 'c', hint: 'Do.' } }
    const lines = [chat, { plugin: { id: 1, error } }, ...end]
    await passes(lines, [{ id: 1, error: { code: -1, message: 'Nein.', data: { code: 'c' } } }])
    await fails(lines, [{ id: 1, error: { ...error, code: -2 } }], /"error\.code"/)
    await fails(lines, [{ id: 1, error: { ...error, data: { code: 'd' } } }], /"error\.data\.code"/)
    await fails(lines, [{ id: 1, error: { code: -1, message: 'No.' } }], /"error\.data"/)
    await fails(lines, [{ id: 1, result: {} }], /"error"/)
  })

  it('takes anything that is there for <any>', async () => {
    const lines = [chat, { plugin: { id: 1, result: { active: '<any>' } } }, ...end]
    for (const active of [0, null, { a: [] }]) await passes(lines, [{ id: 1, result: { active } }])
    await fails(lines, [{ id: 1, result: {} }], /"result\.active"/)
  })

  it('counts the parts of a chat, and their notifications', async () => {
    const lines = [chat, ab, { plugin: done }, ...end]
    await fails(lines, [parts(1, ['a', 'c'])], /:3: Something else was expected at "text"/)
    await fails(lines, [parts(2, ['a', 'b'])], /"seq" is 2, not 1/)
    await fails(lines, [parts(1, ['a']), parts(1, ['b'])], /"seq" is 1, not 2/)
    await fails(lines, [parts(1, ['a']), parts(3, ['b'])], /"seq" is 3, not 2/)
    await fails(lines, [parts(1, [])], /Parts came that hold none/)
    await fails(lines, [parts(1, ['a', 'b', 'c']), done], /came parts, instead of response/)
    await fails(lines, [parts(1, ['a']), done], /:3: For request 1 came response, instead of parts/)
    await fails(lines, [{ method: 'parts', params: { id: 1, seq: '1', parts: [] } }], /"parts" has wrong parameters/)
  })

  it('lets different requests answer in any order, one request only in its own', async () => {
    const late = { id: 'two', result: 2 }
    const lines = [chat, other, { plugin: done }, { plugin: parts(1, ['a'], 'two') }, { plugin: late }, ...end]
    await passes(lines, [parts(1, ['a'], 'two'), late, done])
    await passes(lines, [parts(1, ['a'], 'two'), done, late])
    await fails(lines, [late, parts(1, ['a'], 'two'), done], /:5: For request "two" came response, instead of parts/)
    await fails(lines, [{ ...done, id: '1' }], /For request "1" came response, too early or too many/)
  })

  it('waits with the next line of the host until all has come, and takes nothing before its time', async () => {
    const lines = [
      chat,
      { plugin: parts(1, ['a']) },
      { hostRaw: 'more' },
      { plugin: parts(2, ['b']) },
      { plugin: done },
      ...end,
    ]
    assert.match((await play(lines, [parts(1, ['a']), parts(2, ['b']), done])).written, /^\{.*\}\nmore\n$/)
    await fails(lines, [parts(1, ['a', 'b']), done], /For request 1 came parts, too early or too many/)
    const { error, written } = await play(lines, [])
    assert.match(String(error), /x:3: It did not come: .*"text":"a".*, and the plugin has ended/)
    assert.equal(written, '{"id":1,"method":"chat"}\n')
  })

  it('passes over what may come at any time, and nothing else', async () => {
    const lines = [chat, { plugin: done }, ...end]
    await passes(lines, [
      { method: 'log', params: { level: 'info' } },
      { method: 'models_changed' },
      { method: 'aura', params: { id: 1 } },
      done,
    ])
    for (const wrong of [
      done,
      { id: 9, result: 1 },
      parts(1, ['a']),
      { id: 1, method: 'ask' },
      { method: 'pull_progress' },
      { id: null, error: {} },
    ]) {
      await fails(lines, [wrong, done], /^x:\d: /)
    }
    for (const wrong of ['Loading…', '[]', '{"id":{}}']) await fails(lines, [wrong, done], /A line is/)
  })

  it('compares the progress of a download', async () => {
    const step = (done: number) => ({ method: 'pull_progress', params: { id: 1, progress: { done } } })
    const lines = [chat, { plugin: step(1) }, { plugin: step(2) }, { plugin: done }, ...end]
    await passes(lines, [step(1), step(2), done])
    await fails(lines, [step(2), step(1), done], /"params\.progress\.done"/)
    await fails(lines, [step(1), done], /came response, instead of progress/)
  })

  it('compares the exit code, and lets open requests be answered before', async () => {
    const lines = [chat, ...end]
    await passes(lines, [])
    await passes(lines, [
      parts(1, ['a']),
      parts(2, ['b']),
      { id: 1, result: 'cancelled' },
      { id: null, error: { code: -32700 } },
    ])
    await fails(lines, [done, done], /For request 1 came response, too early or too many/)
    await fails(lines, [{ id: 2, result: 1 }], /For request 2 came response/)
    await fails([chat, { plugin: done }, ...end], [done, parts(1, ['late'])], /came parts, too early or too many/)
    await fails(lines, [], /x:4: The plugin ended with exit code 3, not 0/, 3)
  })

  it('fills in what only it knows, and writes files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-transcripts-'))
    const request = { text: 'ä <nonce>' }
    const lines = [
      { file: { name: 'a.json', json: request } },
      { host: { id: 1, method: 'x', params: ['<nonce>$&', '<dataDir>/a', { $file: 'a.json' }, { $file: 1 }] } },
      { plugin: { id: 1, result: ['<exchangeDir>'] } },
      ...end,
    ]
    const input = new PassThrough()
    const output = new PassThrough()
    output.end(JSON.stringify({ id: 1, result: [folder] }))
    await playTranscript(
      toTranscript(...lines),
      { input, output },
      { dataDir: '/d$&', exchangeDir: folder, nonce: 'n' },
    )
    const [nonce, data, file, rest] = JSON.parse(await text(input)).params
    assert.deepEqual([nonce, data, rest], ['n$&', '/d$&/a', { $file: 1 }])
    assert.equal(file.bytes, 21)
    assert.equal(await readFile(file.file, 'utf8'), JSON.stringify(request))
    assert.match(file.sha256, /^[0-9a-f]{64}$/)
    await rm(folder, { recursive: true })
  })

  it('does not wait for ever', async () => {
    const peer = { input: new PassThrough(), output: new PassThrough() }
    const playing = playTranscript(toTranscript(chat, { plugin: done }, ...end), peer, {
      dataDir: '/d',
      exchangeDir: '/e',
      deadlineMs: 50,
    })
    await assert.rejects(
      playing,
      (error) => isLmappError(error, 'stalled') && /x:3: It did not come.*within 50 ms/.test(error.message),
    )
  })
})

describe('playOnProcess', () => {
  const node = (script: string): [string, ...string[]] => [process.execPath, '-e', script]
  const transcript = toTranscript(chat, { plugin: done }, ...end)

  it('gives what was written to stderr, also with the error, and ends the process', async () => {
    const talks = `process.stdin.once('data', () => console.log(${JSON.stringify(JSON.stringify(done))})); console.error('hello')`
    assert.deepEqual(await playOnProcess(transcript, { command: node(talks), directory: tmpdir(), environment: {} }), {
      stderr: 'hello\n',
    })
    const hangs = 'console.error("pid " + process.pid); setInterval(() => {}, 1000); console.log("?")'
    const error = await playOnProcess(transcript, { command: node(hangs), deadlineMs: 20_000 }).catch(
      (reason: unknown) => reason,
    )
    assert.ok(isLmappError(error, 'stream-malformed'))
    const pid = Number(/^pid (\d+)\n$/.exec(String(error.details?.stderr))?.[1])
    assert.ok(pid > 0)
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  })

  it('tells of a process that ends early, wrongly, or that cannot be started', async () => {
    const play = (...command: [string, ...string[]]) => playOnProcess(transcript, { command })
    await assert.rejects(play(...node('')), /It did not come: .*, and the plugin has ended/)
    const dies = `process.stdin.once('data', () => { console.log(${JSON.stringify(JSON.stringify(done))}); process.exitCode = 3; process.stdin.destroy() })`
    await assert.rejects(play(...node(dies)), /exit code 3, not 0/)
    await assert.rejects(play('/nowhere/to/be/found'), /ENOENT/)
  })
})
