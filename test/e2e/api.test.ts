/** What programs rely on who speak another API than lmapp's own: over the real command, with mock engines. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createHome, type Home, type Running } from '../support/home.ts'

const counted = 'one two three four five six seven eight nine ten'

const names = ['openai', 'responses', 'anthropic', 'ollama'] as const

const dying = { type: 'mock', models: { count: { reply: counted, fault: { kind: 'drop', afterTokens: 4 } } } }

/** One that dies for each dialect, so that no breaker speaks for another. */
const config = {
  aliases: Object.fromEntries(names.map((name) => [`steady-${name}`, [`dying-${name}/count`, 'box/count']])),
  backends: {
    ollama: { type: 'ollama', enabled: false },
    'llama-server': { type: 'llama-server', enabled: false },
    'lm-studio': { type: 'lm-studio', enabled: false },
    embedded: { type: 'embedded', enabled: false },
    box: {
      type: 'mock',
      models: { echo: {}, count: { reply: counted }, slow: { reply: 'a b c d', repeatTokens: 400, paceMs: 20 } },
    },
    ...Object.fromEntries(names.map((name) => [`dying-${name}`, dying])),
    narrow: { type: 'mock', parallel: 1, models: { slow: { reply: 'a b c d', repeatTokens: 400, paceMs: 20 } } },
  },
  failover: { retries: 0 },
}

let home: Home
let serving: Running
let address: string

before(async () => {
  home = await createHome(config)
  serving = home.start(['serve', '--port', '0'])
  address = (await serving.untilStdout('\n')).trim()
})
after(async () => {
  await serving[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
})

const post = (path: string, body: object, { signal, ...headers }: Record<string, string> & { signal?: never } = {}) =>
  fetch(address + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

const ask = (model: string, content: string) => ({ model, messages: [{ role: 'user', content }] })

/** How each of them is asked for a stream, and how it shows the text, a good end, and an error. */
const dialects = {
  openai: {
    path: '/v1/chat/completions',
    body: (model: string) => ({ ...ask(model, 'Count.'), stream: true }),
    text: (stream: string) => pick(stream, /"content":("(?:[^"\\]|\\.)*")/g),
    ended: /\[DONE\]/,
    failed: /^data: \{"error":/m,
  },
  responses: {
    path: '/v1/responses',
    body: (model: string) => ({ model, input: 'Count.', stream: true }),
    text: (stream: string) => pick(stream, /"response\.output_text\.delta".*?"delta":("(?:[^"\\]|\\.)*")/g),
    ended: /response\.completed/,
    failed: /^event: response\.failed/m,
  },
  anthropic: {
    path: '/v1/messages',
    body: (model: string) => ({ ...ask(model, 'Count.'), max_tokens: 100, stream: true }),
    text: (stream: string) => pick(stream, /"type":"text_delta","text":("(?:[^"\\]|\\.)*")/g),
    ended: /message_stop/,
    failed: /^event: error/m,
  },
  ollama: {
    path: '/api/chat',
    body: (model: string) => ask(model, 'Count.'),
    text: (stream: string) => pick(stream, /"content":("(?:[^"\\]|\\.)*")/g),
    ended: /"done":true/,
    failed: /^\{"error":/m,
  },
}

function pick(stream: string, pattern: RegExp): string {
  return [...stream.matchAll(pattern)].map(([, text = '""']) => JSON.parse(text)).join('')
}

for (const name of names) {
  const { path, body, text, ended, failed } = dialects[name]
  describe(`a stream in the dialect of ${name}`, () => {
    it('goes on without a seam when its engine dies in the middle of a sentence', async () => {
      const answer = await post(path, body(`steady-${name}`))
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('x-lmapp-backend'), `dying-${name}`)
      assert.match(answer.headers.get('x-lmapp-run') ?? '', /^[0-9a-f-]{36}$/)
      const stream = await answer.text()
      assert.equal(text(stream), counted)
      assert.match(stream, ended)
      assert.doesNotMatch(stream, failed)
    })

    it('ends with an error, and with nothing that looks like a good end, where nobody can go on', async () => {
      const stream = await (await post(path, body(`dying-${name}/count`))).text()
      assert.equal(text(stream), 'one two three four ')
      assert.match(stream, failed)
      assert.doesNotMatch(stream, ended)
    })

    it('is refused with a status where nothing can answer', async () => {
      const answer = await post(path, body('box/nothing'))
      assert.equal(answer.status, 404)
      assert.match(await answer.text(), /nothing/)
    })
  })
}

describe('a program', () => {
  const status = async (run: string): Promise<{ state: string }> =>
    (await fetch(`${address}/lmapp/v1/runs/${run}`)).json() as Promise<{ state: string }>

  const begin = async (headers: Record<string, string> = {}, model = 'box/slow') => {
    const controller = new AbortController()
    const answer = await fetch(`${address}/v1/chat/completions`, {
      method: 'POST',
      signal: controller.signal,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ ...ask(model, 'Go on.'), stream: true }),
    })
    return { answer, leave: () => controller.abort(), run: answer.headers.get('x-lmapp-run') ?? '' }
  }

  it('that leaves has its answer stopped', async () => {
    const { leave } = await begin()
    const running = async () => /"activeRuns":0\b/.test(await (await fetch(`${address}/lmapp/v1/health`)).text())
    leave()
    while (!(await running())) await new Promise((resolve) => setImmediate(resolve))
  })

  it('that asked for it to go on may leave, and join it again', async () => {
    const { leave, run } = await begin({ 'x-lmapp-detach': 'on' })
    leave()
    assert.equal((await status(run)).state, 'running')
    await fetch(`${address}/lmapp/v1/runs/${run}/cancel`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    const events = await (await fetch(`${address}/lmapp/v1/runs/${run}/events?from=0`)).text()
    assert.match(events, /"type":"start"/)
    assert.match(events, /"type":"end","state":"stopped"/)
  })

  it('leaves no trace in the history, unless it says so', async () => {
    await post('/v1/chat/completions', ask('box/echo', 'Forget this.'))
    const first = await post('/v1/chat/completions', ask('box/echo', 'Keep this.'), { 'x-lmapp-history': 'on' })
    const said = ((await first.json()) as { choices: [{ message: { role: string; content: string } }] }).choices[0]
      .message
    const messages = [...ask('', 'Keep this.').messages, said, { role: 'user', content: 'And this.' }]
    await post('/v1/chat/completions', { model: 'box/echo', messages }, { 'x-lmapp-history': 'on' })
    const [only, ...others] = JSON.parse((await home.lmapp(['history', 'list', '--json'])).stdout)
    assert.deepEqual(others, [])
    assert.equal(only.title, 'Keep this.')
    const shown = JSON.parse((await home.lmapp(['history', 'show', only.id, '--json'])).stdout)
    assert.deepEqual(
      shown.messages.map(({ role, text }: { role: string; text: string }) => [role, text]),
      [
        ['user', 'Keep this.'],
        ['assistant', 'Keep this.'],
        ['user', 'And this.'],
        ['assistant', 'And this.'],
      ],
    )
  })

  it('is told to come again later where too many wait, and when', async () => {
    const open = [await begin({}, 'narrow/slow')]
    const waiting = Array.from({ length: 64 }, () => begin({}, 'narrow/slow'))
    const asked = async () => (await (await fetch(`${address}/lmapp/v1/health`)).json()) as { queuedRuns: number }
    while ((await asked()).queuedRuns < 64) await new Promise((resolve) => setImmediate(resolve))
    const refused = await post('/v1/chat/completions', ask('narrow/slow', 'One more.'))
    assert.equal(refused.status, 429, await refused.text())
    assert.match(refused.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    const metrics = await fetch(`${address}/metrics`)
    assert.equal(metrics.status, 403, 'a guest does not see what others do')
    const controllers = await Promise.race([Promise.all(waiting), Promise.resolve([])])
    for (const { leave } of [...open, ...controllers]) leave()
  })
})

describe('a key', () => {
  let key: string
  before(async () => {
    const created = await home.lmapp(['keys', 'create', 'editor'])
    assert.equal(created.code, 0, created.stderr)
    key = created.stdout.trim()
  })

  it('lets a program in where keys are required, until it is revoked', async () => {
    await home.lmapp(['config', 'set', 'serve.requireKey', 'true'])
    const models = (headers: Record<string, string>) => fetch(`${address}/v1/models`, { headers })
    assert.equal((await models({})).status, 401)
    assert.equal((await models({ authorization: 'Bearer sk-none' })).status, 401)
    assert.equal((await models({ authorization: `Bearer ${key}` })).status, 200)
    assert.equal((await models({ 'x-api-key': key })).status, 200)
    const metrics = await (await fetch(`${address}/metrics`, { headers: { authorization: `Bearer ${key}` } })).text()
    assert.match(metrics, /lmapp_runs_total\{backend="box",model="echo",state="complete"\} [1-9]/)
    assert.match(metrics, /lmapp_requests_total\{dialect="openai",route="\/v1\/models",status="401"\} 2/)
    await home.lmapp(['keys', 'revoke', 'editor'])
    assert.equal((await models({ authorization: `Bearer ${key}` })).status, 401)
    await home.lmapp(['config', 'unset', 'serve.requireKey'])
  })
})

describe('the document', () => {
  it('names every route of the four dialects, and is there as a page', async () => {
    const document = (await (await fetch(`${address}/openapi.json`)).json()) as { paths: Record<string, object> }
    for (const path of [
      '/v1/chat/completions',
      '/v1/responses',
      '/v1/messages',
      '/api/chat',
      '/lmapp/v1/runs',
      '/metrics',
    ]) {
      assert.ok(document.paths[path], path)
    }
    const page = await fetch(`${address}/docs`)
    assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
    assert.match(await page.text(), /\/v1\/chat\/completions/)
  })
})
