import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createClient, createFetchTransport } from 'lmapp-client'
import { createSocketTransport } from 'lmapp-client/node'
import { isLmappError } from 'lmapp-kit'
import { dialects } from './routes/dialects.ts'
import { jsonType, ownerHeaders, rawRequest } from './testing/raw-request.ts'
import { startTestService } from './testing/test-app.ts'

const routes = dialects.flatMap((dialect) => dialect.routes)

const toPath = (path: string) => path.replace(/:\w+\+?/g, 'x')

/** Every route there is, and places where there is none. */
const places = [
  ...routes.map(({ method, path }) => ({ method, path: toPath(path) })),
  { method: 'GET', path: '/' },
  { method: 'GET', path: '/lmapp/v1/nothing' },
  { method: 'OPTIONS', path: '/lmapp/v1/runs' },
  { method: 'PUT', path: '/lmapp/v1/models' },
]

test('a page of another origin, or under another name, is refused at every place', async () => {
  await using service = await startTestService()
  const { address } = service
  const port = new URL(address).port
  const foreign: Record<string, string>[] = [
    { host: `evil.example:${port}` },
    { host: `127.0.0.1.evil.example:${port}` },
    { host: `localhost.:${port}` },
    { host: '127.0.0.1:1' },
    { host: '127.0.0.1' },
    { host: `[::2]:${port}` },
    { host: `127.0.0.999:${port}` },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: `http://localhost:${port}` },
    { origin: `https://127.0.0.1:${port}` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ]
  for (const { method, path } of places) {
    for (const headers of foreign) {
      const refused = await rawRequest({ address, method, path, headers: { ...jsonType, ...headers } })
      assert.equal(refused.status, 403, `${method} ${path} ${JSON.stringify(headers)}`)
      assert.equal(refused.headers['x-lmapp'], '9.8.7')
      assert.equal(refused.headers['access-control-allow-origin'], undefined)
    }
    const nameless = await rawRequest({ address, method, path, headers: jsonType, noHost: true })
    assert.equal(nameless.status, 403, `${method} ${path} without a host`)
  }
})

test('the own page and programs on this machine are let in', async () => {
  await using service = await startTestService()
  const { address } = service
  const { port, host } = new URL(address)
  const own: Record<string, string>[] = [
    {},
    { host: `LOCALHOST:${port}` },
    { host: `127.1.2.3:${port}` },
    { host: `[::1]:${port}` },
    { host: `0.0.0.0:${port}` },
    { origin: address, 'sec-fetch-site': 'same-origin' },
    { host: `localhost:${port}`, origin: `http://localhost:${port}` },
    { host, 'sec-fetch-site': 'none' },
  ]
  for (const headers of own) {
    const answer = await rawRequest({ address, path: '/lmapp/v1/health', headers })
    assert.equal(answer.status, 200, JSON.stringify(headers))
    assert.equal(answer.headers['x-lmapp'], '9.8.7')
    assert.equal(answer.headers['x-lmapp-api'], '1')
    assert.equal(answer.headers['access-control-allow-origin'], undefined)
  }
})

test('on the socket nothing is told to who does not prove the token', async () => {
  await using service = await startTestService()
  const { socketPath, app } = service
  const { 'x-lmapp-auth': right = '' } = ownerHeaders(app.token)
  const wrong = ['', 'x', `${right}0`, right.slice(0, -1), ownerHeaders('guess')['x-lmapp-auth'] ?? '']
  for (const { method, path } of places) {
    for (const auth of wrong) {
      const refused = await rawRequest({ socketPath, method, path, headers: { 'x-lmapp-auth': auth } })
      assert.equal(refused.status, 401, `${method} ${path} ${auth}`)
      assert.equal(refused.headers['x-lmapp-proof'], undefined)
      assert.equal(refused.headers['x-lmapp'], '9.8.7')
    }
  }
  const stranger = createClient({ transport: createSocketTransport({ socketPath, token: 'guess' }) })
  await assert.rejects(stranger.health(), (error) => isLmappError(error, 'unauthorized'))
})

test('a guest gets exactly what guests may have', async () => {
  await using service = await startTestService()
  const { address } = service
  const openOf = (dialect: string) =>
    dialects
      .filter(({ name }) => name === dialect)
      .flatMap((each) => each.routes)
      .filter(({ access }) => access === 'everyone' || access === 'inference' || access === 'list')
      .map(({ method, path }) => `${method} ${path.replace('/lmapp/v1', '')}`)
  assert.deepEqual(openOf('native'), [
    'GET /health',
    'POST /runs',
    'GET /runs/:id',
    'GET /runs/:id/events',
    'POST /runs/:id/cancel',
    'GET /models',
    'GET /models/show',
    'POST /embed',
    'GET /openapi.json',
    'GET /docs',
  ])
  const closed = routes.filter(({ access }) => access === 'admin' || access === 'models' || access === 'pull')
  for (const { method, path } of closed) {
    const refused = await rawRequest({ address, method, path: toPath(path), headers: jsonType })
    assert.equal(refused.status, 403, `${method} ${path}`)
  }
})

test('a key opens what its scopes say, and one for everything stands for the owner', async () => {
  await using service = await startTestService()
  const { address, keys } = service
  keys.set('for-chat', { id: '1', name: 'a', scopes: ['chat'] })
  keys.set('for-models', { id: '2', name: 'b', scopes: ['models'] })
  keys.set('for-all', { id: '3', name: 'c', scopes: ['admin'] })
  const forbidden = async (key: string) => {
    const refused: string[] = []
    for (const { method, path, access } of dialects.flatMap((dialect) => dialect.routes)) {
      if (method !== 'GET' || path.includes('/events')) continue
      const answer = await rawRequest({ address, path: toPath(path), headers: { authorization: `Bearer ${key}` } })
      if (answer.status === 403) refused.push(access)
    }
    return [...new Set(refused)].sort()
  }
  assert.deepEqual(await forbidden('for-chat'), ['admin'])
  assert.deepEqual(await forbidden('for-models'), ['admin', 'inference'])
  assert.deepEqual(await forbidden('for-all'), [])
  const listed = await rawRequest({ address, path: '/lmapp/v1/conversations', headers: { 'x-api-key': 'for-all' } })
  assert.equal(listed.status, 200)
})

test('a guest does not learn where files are, and brings no environment', async () => {
  await using service = await startTestService()
  const guest = createClient({ transport: createFetchTransport({ baseUrl: service.address }) })
  assert.equal((await guest.listModels())[0]?.path, undefined)
  assert.equal((await guest.showModel('dictated/tiny')).path, undefined)
  assert.equal((await service.client.showModel('dictated/tiny')).path, '/models/tiny.gguf')
  assert.deepEqual(service.callers[0]?.environment, {})
  assert.equal(service.callers[0]?.owner, 'guest')
  const transport = createFetchTransport({ baseUrl: service.address })
  const pushy = createClient({ transport, environment: { OLLAMA_HOST: 'evil' } })
  await assert.rejects(pushy.listModels(), (error) => isLmappError(error, 'forbidden'))
})

test('an unknown key is a guest, until keys are required', async () => {
  await using service = await startTestService()
  const { address, app, keys, unknownKeys } = service
  const ask = (headers: Record<string, string> = {}) => rawRequest({ address, path: '/lmapp/v1/models', headers })
  assert.equal((await ask({ authorization: 'Bearer sk-anything', 'user-agent': 'editor/1' })).status, 200)
  assert.deepEqual(unknownKeys, ['editor/1'])
  app.serve.requireKey = true
  for (const headers of [
    {},
    { authorization: 'Bearer sk-anything' },
    { authorization: 'Basic x' },
    { 'x-api-key': 'x' },
  ]) {
    const refused = await ask(headers)
    assert.equal(refused.code, 'unauthorized', JSON.stringify(headers))
    assert.match(refused.text, /lmapp keys create/)
  }
  keys.set('right', { id: '1', name: 'editor', scopes: ['chat'] })
  assert.equal((await ask({ authorization: 'bearer right' })).status, 200)
  assert.equal((await ask({ 'x-api-key': 'right' })).status, 200)
  const both = { authorization: 'Bearer filled-in', 'x-api-key': 'right' }
  assert.equal((await ask(both)).status, 200, 'what one header is filled up with does not hide the other')
  const inQuery = await rawRequest({ address, path: '/lmapp/v1/models?key=right&api_key=right' })
  assert.equal(inQuery.status, 401, 'a key in an address would stand in logs')
  assert.match(String(inQuery.headers['www-authenticate']), /^Bearer/)
})

test('whoever comes by a proxy on this machine needs a key: who that is, nobody knows', async () => {
  await using service = await startTestService()
  const { address, keys } = service
  keys.set('right', { id: '1', name: 'editor', scopes: ['chat'] })
  for (const by of [{ 'x-forwarded-for': '127.0.0.1' }, { forwarded: 'for=192.0.2.1' }] as Record<string, string>[]) {
    assert.equal((await rawRequest({ address, path: '/v1/models', headers: by })).status, 401)
    const known = { ...by, authorization: 'Bearer right' }
    assert.equal((await rawRequest({ address, path: '/v1/models', headers: known })).status, 200)
  }
})

test('a guest is told what would let it do more, and that its key is not known', async () => {
  await using service = await startTestService()
  const ask = (path: string, headers: Record<string, string> = {}) =>
    rawRequest({ address: service.address, path, headers })
  assert.match((await ask('/metrics')).text, /A guest may not do this.*--scope chat/)
  assert.match((await ask('/lmapp/v1/keys')).text, /A guest may not do this.*--scope admin/)
  assert.match((await ask('/metrics', { 'x-api-key': 'mistyped' })).text, /The key is not known; a guest may not/)
})

test('pages of a listed origin may come, with a key; all others still may not', async () => {
  await using service = await startTestService()
  const { address, app, keys } = service
  const origin = 'http://pages.example:3000'
  const ask = (headers: Record<string, string>, method = 'GET') =>
    rawRequest({
      address,
      method,
      path: '/lmapp/v1/models',
      headers: { origin, 'sec-fetch-site': 'cross-site', ...headers },
    })
  assert.equal((await ask({})).status, 403)
  app.serve.origins = [`${origin}/`]
  const preflight = await ask(
    { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    'OPTIONS',
  )
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers['access-control-allow-origin'], origin)
  assert.equal(preflight.headers['access-control-allow-headers'], 'authorization')
  assert.equal((await ask({})).code, 'unauthorized')
  keys.set('right', { id: '1', name: 'page', scopes: ['chat'] })
  const answer = await ask({ authorization: 'Bearer right' })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['access-control-allow-origin'], origin)
  assert.equal(answer.headers.vary, 'origin')
  assert.equal((await ask({ origin: 'http://pages.example', authorization: 'Bearer right' })).status, 403)
})

test('a name of this machine is let in once it is listed', async () => {
  await using service = await startTestService()
  const { address, app } = service
  const host = `box.lan:${new URL(address).port}`
  const ask = () => rawRequest({ address, path: '/lmapp/v1/health', headers: { host } })
  assert.equal((await ask()).status, 403)
  app.serve.hosts = ['Box.lan']
  assert.equal((await ask()).status, 200)
})

test('what the owner sends of its environment reaches every call, and is read strictly', async () => {
  await using service = await startTestService()
  const environment = { OLLAMA_HOST: 'http://ö:1', BOX2_KEY: 's' }
  await service.connect(environment).listModels()
  assert.deepEqual(service.callers[0]?.environment, environment)
  assert.equal(service.callers[0]?.owner, 'owner')
  const toBase64 = (text: string) => Buffer.from(text).toString('base64')
  for (const header of [
    '{}',
    toBase64('no json'),
    toBase64('[]'),
    toBase64('{"A":1}'),
    toBase64(JSON.stringify({ A: 'x'.repeat(64 * 1024) })),
    Buffer.from([0x22, 0xff, 0x22]).toString('base64'),
  ]) {
    const refused = await rawRequest({
      socketPath: service.socketPath,
      path: '/lmapp/v1/models',
      headers: { ...ownerHeaders(service.app.token), 'x-lmapp-environment': header },
    })
    assert.equal(refused.code, 'bad-input', header.slice(0, 40))
    assert.match(refused.message ?? '', /x-lmapp-environment/)
  }
  await service.connect({ A: 'x'.repeat(60_000) }).listModels()
})

test('what is not there is said in JSON, and what is there by another method too', async () => {
  await using service = await startTestService()
  const { address } = service
  for (const path of ['/favicon.ico', '/lmapp/v1', '/lmapp/v1/runs/', '/lmapp/v1/models/a/b', '//lmapp/v1/health']) {
    const missing = await rawRequest({ address, path })
    assert.equal(missing.status, 404, path)
    assert.equal(missing.code, 'method-not-found')
    assert.match(missing.text, /Check the path/)
  }
  const wrongBases = {
    '/chat/completions': '/v1/chat/completions',
    '/v1/v1/chat/completions': '/v1/chat/completions',
    '/v1/api/chat': '/api/chat',
    '/openai/v1/messages': '/v1/messages',
    '/v1/messages/': '/v1/messages',
    '/chat': '/api/chat',
  }
  for (const [path, meant] of Object.entries(wrongBases)) {
    const missing = await rawRequest({ address, method: 'POST', path })
    assert.equal(missing.status, 404)
    assert.ok(missing.text.includes(`There is nothing at ${path}, but at ${meant}.`), missing.text)
  }
  const long = await rawRequest({ address, path: `/${'x'.repeat(20_000)}` })
  assert.ok(long.text.length < 500)
  const wrong = await rawRequest({ address, method: 'PUT', path: '/lmapp/v1/models?ref=x' })
  assert.equal(wrong.status, 405)
  assert.equal(wrong.headers.allow, 'GET, DELETE')
  assert.equal(wrong.code, 'method-not-found')
  assert.match(wrong.text, /Check the method/)
  const broken = await rawRequest({ address, path: '/lmapp/v1/runs/%ff' })
  assert.equal(broken.code, 'bad-input')
})

test('a write must be JSON, whole, in UTF-8 and of bearable size', async () => {
  await using service = await startTestService()
  const { address } = service
  const post = (body: string | Buffer, headers: Record<string, string> = jsonType) =>
    rawRequest({ address, method: 'POST', path: '/lmapp/v1/runs', headers, body })
  assert.match((await post('{}', { 'content-type': 'text/plain' })).message ?? '', /application\/json/)
  assert.match((await post('{}', { 'sec-fetch-site': 'same-origin' })).message ?? '', /application\/json/)
  assert.match((await post('{}', {})).message ?? '', /"content"/, 'a program may leave it out')
  const packed = await post(gzipSync('{}'), { ...jsonType, 'content-encoding': 'gzip' })
  assert.equal(packed.status, 415)
  assert.match(packed.text, /gzip.*without content-encoding/)
  for (const body of ['', '{', 'x=1', Buffer.from([0x22, 0xff, 0x22])]) {
    const refused = await post(body)
    assert.equal(refused.status, 400)
    assert.equal(refused.code, 'bad-input')
  }
  assert.match((await post('[]')).message ?? '', /"body" must be an object/)
  const huge = await post(Buffer.alloc(64 * 1024 * 1024 + 1, ' '))
  assert.equal(huge.code, 'bad-input')
  assert.match(huge.message ?? '', /64 MiB/)
})

test('long questions have room together up to a limit, and then are told when to come again', async () => {
  await using service = await startTestService({ mostBodyBytes: 3 * 1024 * 1024 })
  const ask = (megabytes: number) =>
    rawRequest({
      address: service.address,
      method: 'POST',
      path: '/v1/chat/completions',
      headers: jsonType,
      body: JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(megabytes * 1_000_000) }] }),
    })
  const long = ask(2)
  const dictation = await service.backend.nextChat()
  const refused = await ask(2)
  assert.equal(refused.status, 429, refused.text)
  assert.equal(refused.headers['retry-after'], '1')
  const finish = (chat: typeof dictation) => {
    chat.say('Done.')
    chat.finish()
  }
  const short = ask(1)
  finish(await service.backend.nextChat())
  assert.equal((await short).status, 200)
  finish(dictation)
  assert.equal((await long).status, 200)
  const again = ask(2)
  finish(await service.backend.nextChat())
  assert.equal((await again).status, 200)
})

test('a large question that is refused at once still gets its answer', async () => {
  await using service = await startTestService()
  const stranger = createClient({
    transport: createSocketTransport({ socketPath: service.socketPath, token: 'guess' }),
  })
  const text = 'x'.repeat(10_000_000)
  await assert.rejects(stranger.createRun({ content: [{ type: 'text', text }] }), (error) =>
    isLmappError(error, 'unauthorized'),
  )
})
