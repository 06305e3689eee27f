import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { ApiBackend, ApiModel } from 'lmapp-client'
import { displayWidth } from '../output/width.ts'
import { runCommand } from '../run.ts'
import { createScriptedService, type Reply } from '../testing/scripted-service.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'
import { formatContext } from './model-text.ts'
import { createSpeedometer } from './pull-model.ts'

const home = mkdtempSync(join(tmpdir(), 'lmapp-models-'))
after(() => rmSync(home, { recursive: true }))

const gigabyte = 1e9

function model(ref: string, more: Partial<ApiModel> = {}): ApiModel {
  const [backend = ''] = ref.split('/')
  const name = ref.slice(backend.length + 1)
  return { id: name, ref, backend, name, ...more }
}

const fit = (state: 'fits' | 'tight' | 'too-large', neededBytes: number, longestContext?: number) => ({
  state,
  neededBytes,
  freeBytes: 8 * gigabyte,
  contextLength: state === 'too-large' ? 2048 : 131_072,
  ...(longestContext !== undefined && { longestContext }),
})

const facts = { sizeBytes: 2 * gigabyte, parameters: '3.2B', quantization: 'Q4_K_M', contextLength: 131_072 }
const several: ApiModel[] = [
  model('ollama/llama3.2:3b', { ...facts, loaded: true }),
  model('embedded/llama3.2:3b', { ...facts, origin: 'ollama', fit: fit('fits', 3 * gigabyte, 131_072) }),
  model('embedded/hf.co/owner/repo:Q4_K_M', { ...facts, origin: 'ollama', fit: fit('tight', 9 * gigabyte, 8192) }),
  model('embedded/large', {
    ...facts,
    sizeBytes: 42 * gigabyte,
    origin: 'lm-studio',
    fit: fit('too-large', 43 * gigabyte),
  }),
]

const backend = (name: string, more: Partial<ApiBackend> = {}): ApiBackend => ({
  name,
  type: 'ollama',
  state: 'running',
  reason: null,
  version: null,
  execution: 'built-in',
  owner: 'external',
  breaker: { state: 'closed' },
  ...more,
})

interface Answers {
  models?: ApiModel[]
  backends?: ApiBackend[]
  [route: string]: unknown
}

async function lmapp(argv: string[], answers: Answers, options: TestContextOptions = {}) {
  const service = createScriptedService(({ route }): Reply => {
    const [path = ''] = route.split('?')
    const answer = { 'GET /models': answers.models ?? [], 'GET /backends': answers.backends ?? [], ...answers }[path]
    const isReply = typeof answer === 'object' && answer !== null && ('error' in answer || 'lines' in answer)
    return isReply ? (answer as Reply) : { json: answer }
  })
  const environment = { LMAPP_HOME: home, ...options.environment }
  const context = createTestContext({ connect: service.connect, ...options, environment })
  const code = await runCommand(context, argv)
  return { code, stdout: context.stdout.text, stderr: context.stderr.text, requests: service.requests }
}

const list = (columns: number, models = several) =>
  lmapp(['models', 'list'], { models }, { stdout: { columns, isTerminal: true } })

describe('lmapp models list', () => {
  it('is one table, where the terminal is wide enough with the numbers of what does not fit', async () => {
    const { stdout } = await list(140)
    const lines = stdout.trimEnd().split('\n')
    assert.match(lines[0] ?? '', /^MODEL +SIZE +KIND +CONTEXT +STATE +FROM$/)
    assert.match(lines[1] ?? '', /^ollama\/llama3.2:3b +2.0 GB +3.2B Q4_K_M +128k +loaded$/)
    assert.match(lines[2] ?? '', / fits +ollama$/)
    assert.match(lines[3] ?? '', / tight \(8k\) +ollama$/)
    assert.match(lines[4] ?? '', /^embedded\/large +42.0 GB .* too large: 43.0 GB of 8.0 GB free +lm-studio$/)
  })

  it('fits 80 and 40 columns, with names whole', async () => {
    for (const columns of [80, 60, 40]) {
      const { stdout } = await list(columns)
      for (const { ref } of several) assert.ok(stdout.includes(ref), `${ref} at ${columns}`)
      for (const line of stdout.split('\n')) assert.ok(displayWidth(line) <= columns, `${columns}: ${line}`)
    }
    assert.match((await list(80)).stdout, /^MODEL .*STATE\n.*\n.*fits\n.*tight \(8k\)\n.*too large\n$/)
    assert.match(
      (await list(40)).stdout,
      /^embedded\/large\n {2}42.0 GB · 3.2B Q4_K_M · 128k · too\n {2}large: 43.0 GB of 8.0 GB free ·\n {2}lm-studio\n/m,
    )
  })

  it('says what it knows of models that say little', async () => {
    const { stdout } = await list(80, [model('box/m')])
    assert.match(stdout, /^MODEL +SIZE +STATE\nbox\/m\n$/)
    assert.match((await list(5, [model('box/m')])).stdout, /^box\/m\n$/)
    assert.match((await list(80, [])).stderr, /No model is there yet/)
  })

  it('says who did not answer, in one line, and passes over engines that nobody expects', async () => {
    writeFileSync(
      join(home, 'config.json'),
      JSON.stringify({ backends: { box1: { type: 'ollama' }, box2: { type: 'ollama' } } }),
    )
    const silent = { health: { running: false, state: 'stopped' as const, active: 0, queued: 0, models: [] } }
    const open = { breaker: { state: 'open', reason: 'It hung.' } } as const
    const backends = [
      backend('box1', { ...silent, state: 'unreachable', reason: 'Nothing answers there.' }),
      backend('box2', open),
      backend('ollama', { ...silent, state: 'unreachable', reason: 'Nothing answers there.' }),
      backend('slow', { state: 'unreachable', reason: 'It does not answer in time.' }),
      backend('odd', { state: 'failed' }),
      backend('fine'),
    ]
    const { stdout, stderr, code } = await lmapp(['models', 'list', '--json'], { models: several, backends })
    assert.equal(code, 0)
    assert.equal(
      stderr,
      'lmapp: Not asked, or without an answer: box1 (Nothing answers there), box2 (It hung), slow (It does not answer in time), odd (it failed). See: lmapp doctor\n',
    )
    const [first, second] = JSON.parse(stdout)
    assert.deepEqual([first.ref, first.loaded, first.sizeBytes], ['ollama/llama3.2:3b', true, 2 * gigabyte])
    assert.deepEqual([second.loaded, second.fit.state, second.origin], [false, 'fits', 'ollama'])
    rmSync(join(home, 'config.json'))
  })

  it('names the plugins that nobody has started yet, and whose models nobody knows', async () => {
    const plugin = (name: string, state: 'stopped' | 'running') =>
      backend(name, { state, execution: 'subprocess', owner: 'lmapp' })
    const backends = [plugin('parrot', 'stopped'), plugin('crow', 'stopped'), plugin('owl', 'running')]
    const { stderr } = await lmapp(['models', 'list'], { models: [model('crow/m')], backends })
    assert.equal(
      stderr,
      'lmapp: Not started yet, so what they have is not known: parrot. See: lmapp backends start parrot\n',
    )
  })

  it('is there also where the backends cannot be told', async () => {
    const error = { code: 'busy', message: 'Later.' }
    const { code, stderr } = await lmapp(['models', 'list'], { models: several, 'GET /backends': { error } })
    assert.deepEqual([code, stderr], [0, ''])
  })
})

describe('lmapp models show', () => {
  it('tells all that is known, the template last', async () => {
    const shown = model('embedded/x', {
      ...facts,
      fit: fit('tight', 9 * gigabyte, 8192),
      digest: 'sha256:abc',
      license: 'mit',
      path: '/models/two\nlines\u001b[31m.gguf',
      origin: 'lm-studio',
      lastUsedAt: '2026-05-01T00:00:00.000Z',
      template: '{% for m in messages %}\n\u001b[31m{{ m }}\n{% endfor %}\n',
      capabilities: { chat: 'yes', tools: 'no' },
    })
    const { stdout } = await lmapp(['models', 'show', 'x'], { 'GET /models/show': shown }, { stdout: { columns: 100 } })
    assert.match(
      stdout,
      /^Memory +tight: needs 9.0 GB with 131,072 tokens of context, 8.0 GB are free; 8,192 tokens fit$/m,
    )
    for (const line of [
      'Checksum +sha256:abc',
      'License +mit',
      'File +/models/two lines␛\\[31m.gguf',
      'Last used +2026-0[45]-\\d\\d \\d\\d:\\d\\d',
      'From +lm-studio',
      'Can +chat',
    ]) {
      assert.match(stdout, new RegExp(`^${line}$`, 'm'))
    }
    assert.match(stdout, /\nTemplate\n {2}\{% for m in messages %\}\n {2}.*\{\{ m \}\}\n {2}\{% endfor %\}\n$/)
    assert.ok(!stdout.includes('\u001b[31m'))
    const large = model('embedded/y', { fit: { ...fit('too-large', 43 * gigabyte), contextLength: 0 } })
    const told = await lmapp(['models', 'show', 'y'], { 'GET /models/show': large })
    assert.match(told.stdout, /too large: needs 43.0 GB, 8.0 GB are free/)
  })

  it('computes the checksum of its file, and of each where there are several', async () => {
    const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`
    const path = join(home, 'x-00001-of-00002.gguf')
    writeFileSync(path, 'one')
    const show = (more: Partial<ApiModel>, ...args: string[]) =>
      lmapp(
        ['models', 'show', 'x', '--checksum', ...args],
        { 'GET /models/show': model('embedded/x', more) },
        { stdout: { columns: 100 } },
      )
    const missing = await show({ path })
    assert.equal(missing.code, 11)
    writeFileSync(join(home, 'x-00002-of-00002.gguf'), 'two')
    const whole = await show({ path })
    assert.ok(whole.stdout.includes(`Checksum  ${sha256('one')}`), whole.stdout)
    assert.ok(whole.stdout.includes(`${sha256('two')}  ${join(home, 'x-00002-of-00002.gguf')}`))
    const asJson = JSON.parse((await show({ path }, '--json')).stdout)
    assert.deepEqual([asJson.digest, asJson.files[1].digest], [sha256('one'), sha256('two')])
    const alone = join(home, 'y.gguf')
    writeFileSync(alone, 'y')
    assert.equal(JSON.parse((await show({ path: alone }, '--json')).stdout).digest, sha256('y'))
    assert.match((await show({ path: alone, digest: 'sha256:0' })).stderr, /should be sha256:0/)
    assert.equal((await show({ path: alone, digest: sha256('y') })).stderr, '')
    assert.match((await show({})).stderr, /not on this machine/)
  })
})

describe('lmapp models remove', () => {
  it('says how much is free again, and that nothing is where a file is shared', async () => {
    const remove = (freedBytes?: number) =>
      lmapp(['models', 'remove', 'x'], { 'DELETE /models': { ref: 'box/x', freedBytes } })
    assert.equal((await remove(2e9)).stdout, 'Removed box/x; 2.0 GB are free again.\n')
    assert.equal((await remove(0)).stdout, 'Removed box/x; nothing is freed, another model shares its file.\n')
    assert.equal((await remove()).stdout, 'Removed box/x.\n')
  })
})

describe('lmapp models switch', () => {
  const switchTo = (found: ApiModel, environment = {}, ...args: string[]) =>
    lmapp(
      ['models', 'switch', found.ref, ...args],
      { 'GET /models/resolve': { refs: [found.ref] }, 'GET /models/show': found },
      { environment },
    )

  it('says what it was, and warns of what cannot be loaded or does not count', async () => {
    const first = await switchTo(model('box/a'))
    assert.equal(first.stdout, 'The default model is now box/a; none was set before.\n')
    const large = model('embedded/large', { fit: fit('too-large', 43 * gigabyte) })
    const second = await switchTo(large, { LMAPP_MODEL: 'box/z' })
    assert.equal(second.stdout, 'The default model is now embedded/large; it was box/a.\n')
    assert.match(second.stderr, /embedded\/large is too large: needs 43.0 GB/)
    assert.match(second.stderr, /LMAPP_MODEL is set to "box\/z" here/)
    assert.match((await switchTo(large)).stdout, /, as it was\.\n$/)
    const { model: now, previous } = JSON.parse((await switchTo(model('box/b'), {}, '--json')).stdout)
    assert.deepEqual([now, previous], ['box/b', 'embedded/large'])
  })

  it('leaves everything as it is where there is no such model', async () => {
    const error = { code: 'model-not-found', message: 'No model is called "x".', retryable: false }
    const { code } = await lmapp(['models', 'switch', 'x'], { 'GET /models/resolve': { error } })
    assert.equal(code, 4)
    assert.equal((await lmapp(['config', 'get', 'model'], {})).stdout, 'box/b\n')
  })
})

describe('lmapp models pull', () => {
  const progress = { type: 'progress', status: 'fetching', progress: { done: 10, total: 100, unit: 'bytes' } }

  it('says whether the model fits once it is here', async () => {
    const lines = [progress, { type: 'done', ref: 'embedded/x' }]
    const found = model('embedded/x', { fit: fit('too-large', 43 * gigabyte) })
    const pull = (show: unknown) =>
      lmapp(['models', 'pull', '-y', 'x'], { 'POST /models/pull': { lines }, 'GET /models/show': show })
    const { stdout, stderr } = await pull(found)
    assert.match(stdout, /^embedded\/x is ready/)
    assert.match(stderr, /On this machine it is too large: needs 43.0 GB/)
    assert.match(
      (await pull(model('embedded/x', { fit: fit('fits', 1e9) }))).stderr,
      /On this machine it fits: needs 1.0 GB/,
    )
    const error = { code: 'model-not-found', message: 'Gone.', retryable: false }
    assert.equal((await pull({ error })).code, 0)
  })

  it('that is stopped says how it goes on', async () => {
    const service = createScriptedService(() => ({ lines: [progress] }))
    const context = createTestContext({ connect: service.connect, stderr: { isTerminal: true } })
    const ended = runCommand(context, ['models', 'pull', '-y', 'hf:o/r'])
    await context.stderr.until(/10 %/)
    context.send('SIGINT')
    assert.equal(await ended, 130)
    assert.match(context.stderr.text, /Stopped\. What arrived is kept; go on: lmapp models pull --yes hf:o\/r\n$/)
  })

  it('tells its speed and the time that is left, no more often than once a second', () => {
    let time = 0
    const speed = createSpeedometer(() => time)
    const at = (ms: number, done: number, total?: number) => {
      time = ms
      return speed.tell({ done, ...(total !== undefined && { total }), unit: 'bytes' })
    }
    assert.equal(at(0, 0, 100e6), '')
    assert.equal(at(500, 5e6, 100e6), '')
    assert.equal(at(1000, 10e6, 100e6), '10.0 MB/s, 9.0 s left')
    assert.equal(at(1500, 90e6, 100e6), '10.0 MB/s, 9.0 s left')
    assert.equal(at(2000, 20e6), '10.0 MB/s')
    assert.equal(at(2100, 5e6, 100e6), '')
    assert.equal(at(3200, 5e6, 100e6), '')
    assert.equal(speed.tell({ done: 1, unit: 'percent' }), '')
    assert.equal(speed.tell(undefined), '')
  })
})

it('a context is told in thousands of 1,024', () => {
  assert.deepEqual([512, 2048, 8192, 131_072, 1_048_576].map(formatContext), ['512', '2k', '8k', '128k', '1024k'])
})
