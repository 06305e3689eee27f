import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { after, before, describe, it } from 'node:test'
import { createClient, createFetchTransport, type LmappClient } from 'lmapp-client'
import { isLmappError } from 'lmapp-kit'
import { createHome, type Home, isAlive, type Running, toEvents, untilGone, withMock } from '../support/home.ts'

const config = withMock({
  echo: {},
  paced: { paceMs: 250 },
  slow: { reply: 'a b c d e f g h', repeatTokens: 500, paceMs: 20 },
})

/** Starts it and reads the first line of stdout. */
async function startServe(home: Home, ...args: string[]): Promise<{ serving: Running; address: string }> {
  const serving = home.start(['serve', '--port', '0', ...args])
  const stdout = await serving.untilStdout('\n')
  return { serving, address: stdout.slice(0, stdout.indexOf('\n')) }
}

describe('lmapp serve', () => {
  let home: Home
  let serving: Running
  let address: string
  let guest: LmappClient

  before(async () => {
    home = await createHome(config)
    ;({ serving, address } = await startServe(home))
    guest = createClient({ transport: createFetchTransport({ baseUrl: address }) })
  })
  after(async () => {
    await home[Symbol.asyncDispose]()
    await serving[Symbol.asyncDispose]()
  })

  it('says its address, and nothing else, on stdout', async () => {
    assert.match(address, /^http:\/\/127\.0\.0\.1:\d+$/)
    assert.equal(await serving.untilStdout('\n'), `${address}\n`)
    const health = await guest.health()
    assert.equal(health.pid, serving.process.pid)
    assert.equal(health.address, address)
    assert.equal(health.foreground, true)
  })

  it('answers a guest over TCP, and keeps nothing of it', async () => {
    const run = await guest.createRun({ model: 'box/echo', content: [{ type: 'text', text: 'hello over TCP' }] })
    const events = (await Array.fromAsync(run.events)).map(({ event }) => event)
    const [start, end] = [events[0], events.at(-1)]
    assert.ok(start?.type === 'start' && start.conversation === undefined && start.model === 'box/echo')
    assert.equal(
      events
        .filter((event) => event.type === 'text-delta')
        .map(({ text }) => text)
        .join(''),
      'hello over TCP',
    )
    assert.ok(end?.type === 'end' && end.state === 'complete')
    assert.deepEqual(JSON.parse((await home.lmapp(['history', 'list', '--json'])).stdout), [])
  })

  it('tells a guest which models there are', async () => {
    const refs = (await guest.listModels({ backend: 'box' })).map(({ ref }) => ref)
    assert.deepEqual(refs.sort(), ['box/echo', 'box/paced', 'box/slow'])
  })

  const forbidden: Record<string, () => Promise<unknown>> = {
    'the list of conversations': () => guest.listConversations(),
    'a conversation': () => guest.getConversation('0198'),
    'the last conversation of a terminal': () => guest.lastConversation('none'),
    'a title': () => guest.patchConversation('0198', { title: 'Mine' }),
    'the end of a conversation': () => guest.deleteConversation('0198'),
    'the search': () => guest.search('hello'),
    'the runs of others': () => guest.listRuns(),
    'the backends': () => guest.listBackends(),
    'a backend': () => guest.showBackend('box'),
    'the log of a backend': () => guest.backendLogs('box'),
    'the end of a model': () => guest.removeModel('box/echo'),
    'a pull': () => Array.fromAsync(guest.pullModel({ model: 'box/echo' })),
    'the end of the service': () => guest.stopService(),
    'a run that is saved': () =>
      guest.createRun({ model: 'box/echo', save: true, content: [{ type: 'text', text: 'hello' }] }),
    'a run in a conversation': () =>
      guest.createRun({ model: 'box/echo', conversation: '0198', content: [{ type: 'text', text: 'hello' }] }),
  }
  for (const [what, call] of Object.entries(forbidden)) {
    it(`refuses a guest ${what}`, () => assert.rejects(call(), (error) => isLmappError(error, 'forbidden')))
  }

  it('has no way to the configuration over TCP', async () => {
    for (const [method, path] of [
      ['GET', '/lmapp/v1/config'],
      ['PATCH', '/lmapp/v1/config'],
      ['GET', '/config.json'],
    ] as const) {
      assert.ok([403, 404].includes((await ask(address, { method, path })).status), `${method} ${path}`)
    }
  })

  it('answers its own names by 200, by 403 those of others, and pages from elsewhere, on every route', async () => {
    const { port, host } = new URL(address)
    for (const own of [host, `localhost:${port}`, `[::1]:${port}`]) {
      assert.equal((await ask(address, { headers: { host: own } })).status, 200, own)
    }
    assert.equal((await ask(address, { headers: { origin: address } })).status, 200)
    const foreign = [
      { host: `lmapp.example:${port}` },
      { host: `127.0.0.1.example:${port}` },
      { host: '127.0.0.1:1' },
      noHost,
      { origin: 'https://lmapp.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { 'sec-fetch-site': 'cross-site' },
    ]
    const routes = [
      { method: 'GET', path: '/lmapp/v1/health' },
      { method: 'GET', path: '/lmapp/v1/models' },
      { method: 'POST', path: '/lmapp/v1/runs' },
      { method: 'GET', path: '/lmapp/v1/conversations' },
      { method: 'OPTIONS', path: '/lmapp/v1/runs' },
      { method: 'GET', path: '/nothing/is/here' },
      { method: 'GET', path: '/' },
    ]
    for (const route of routes) {
      for (const headers of foreign) {
        const answer = await ask(address, { ...route, headers })
        const what = `${route.method} ${route.path} ${JSON.stringify(headers)}`
        assert.equal(answer.status, 403, what)
        assert.equal(answer.allowed, undefined, what)
      }
    }
    assert.equal((await ask(address, { path: '/nothing/is/here' })).status, 404)
  })

  it('is bound to loopback only', async () => {
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, scopeid }) => !internal && !scopeid)
    for (const { address: other } of others) {
      assert.equal(await connects(other, Number(new URL(address).port)), false, other)
    }
  })

  it('is the service of this user, too: the commands find it', async () => {
    assert.equal(await home.servicePid(), serving.process.pid)
    const answered = await home.lmapp(['-m', 'box/echo', 'hello'])
    assert.equal(answered.stdout, 'hello\n')
    const status = JSON.parse((await home.lmapp(['service', 'status', '--json'])).stdout)
    assert.equal(status.pid, serving.process.pid)
    assert.equal(status.address, address)
  })

  it('a second one says the pid and the address of the first, and leaves it alone', async () => {
    const second = await home.lmapp(['serve', '--port', '0'])
    assert.equal(second.code, 11, second.stderr)
    assert.equal(second.stdout, '')
    assert.ok(second.stderr.includes(`pid ${serving.process.pid}`), second.stderr)
    assert.ok(second.stderr.includes(address), second.stderr)
    assert.match(second.stderr, /lmapp service stop/)
    assert.equal((await guest.health()).pid, serving.process.pid)
  })
})

describe('lmapp serve, beginning and end', () => {
  let home: Home
  let background: number | undefined
  let socket: string

  before(async () => {
    home = await createHome(config)
    socket = JSON.parse((await home.lmapp(['paths', '--json'])).stdout).socket
    await home.lmapp(['-m', 'box/echo', 'hello'])
    background = await home.servicePid()
    assert.ok(background)
  })
  after(() => home[Symbol.asyncDispose]())

  it('refuses to be open to other machines without a key to tell who comes: exit 2', async () => {
    for (const host of ['0.0.0.0', '::']) {
      const refused = await home.lmapp(['serve', '--host', host, '--port', '0'])
      assert.equal(refused.code, 2, refused.stderr)
      assert.equal(refused.stdout, '')
      assert.match(refused.stderr, /lmapp keys create/)
    }
  })

  it('that is refused for its arguments leaves the background service alone', async () => {
    assert.equal(await home.servicePid(), background)
  })

  it('on a port that is taken: exit 11, and --port is named', async () => {
    const occupant = createServer().listen(0, '127.0.0.1')
    await once(occupant, 'listening')
    const { port } = occupant.address() as AddressInfo
    const refused = await home.lmapp(['serve', '--port', String(port)])
    occupant.close()
    assert.equal(refused.code, 11, refused.stderr)
    assert.match(refused.stderr, new RegExp(`\\b${port}\\b`))
    assert.match(refused.stderr, /--port/)
  })

  it('takes the place of an idle background service, and ends on SIGTERM with exit 0 and without a trace', async () => {
    await home.lmapp(['-m', 'box/echo', 'hello again'])
    const idle = await home.servicePid()
    assert.ok(idle)
    const { serving, address } = await startServe(home)
    await untilGone(idle)
    const guest = createClient({ transport: createFetchTransport({ baseUrl: address }) })
    assert.equal((await guest.health()).pid, serving.process.pid)
    assert.ok(existsSync(socket))

    serving.process.kill('SIGTERM')
    const { code, stdout } = await serving.ended
    assert.equal(code, 0)
    assert.equal(stdout, `${address}\n`)
    assert.equal(existsSync(socket), false)
    assert.equal(await connects('127.0.0.1', Number(new URL(address).port)), false)
  })

  it('waits for a background service that answers, and says for whom', async () => {
    const asking = home.start(['-m', 'box/slow', 'Go on.'])
    await asking.untilStdout('a b ')
    const busy = await home.servicePid()
    assert.ok(busy)
    const serving = home.start(['serve', '--port', '0'])
    const said = await serving.untilStderr('\n')
    assert.ok(said.includes(`pid ${busy}`), said)
    assert.ok(isAlive(busy))
    asking.process.kill('SIGINT')
    assert.equal((await asking.ended).code, 130)
    await serving.untilStdout('\n')
    await untilGone(busy)
    serving.process.kill('SIGTERM')
    assert.equal((await serving.ended).code, 0)
  })

  it('lets answers finish on SIGTERM, and takes no more questions', async () => {
    const { serving, address } = await startServe(home)
    const asking = home.start(['-m', 'box/paced', 'a b c d e f g h i j'])
    await asking.untilStdout('b ')
    serving.process.kill('SIGTERM')
    assert.match(await serving.untilStderr('\n'), /Waiting for the end of one answer/)
    const late = await fetch(`${address}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'box/echo', messages: [{ role: 'user', content: 'late' }] }),
    })
    assert.equal(late.status, 503, await late.text())
    const asked = await asking.ended
    assert.equal(asked.code, 0, asked.stderr)
    assert.match(asked.stdout, /^a b c d e f g h i j\n$/)
    assert.equal((await serving.ended).code, 0)
  })

  it('that is ended while it answers keeps what arrived, stopped', async () => {
    const { serving } = await startServe(home)
    const asking = home.start(['-m', 'box/slow', '--json', 'Go on.'])
    await asking.untilStdout('"b "')
    serving.process.kill('SIGTERM')
    await serving.untilStderr('\n')
    serving.process.kill('SIGTERM')
    assert.equal((await serving.ended).code, 0)
    const asked = await asking.ended
    assert.equal(asked.code, 7, asked.stderr)
    const events = toEvents(asked.stdout)
    const printed = events.filter(({ type }) => type === 'text-delta').map(({ text }) => text)
    const shown = await home.lmapp(['history', 'show', String(events[0]?.conversation), '--json'])
    const answer = JSON.parse(shown.stdout).messages.at(-1)
    assert.deepEqual([answer.state, answer.text], ['stopped', printed.join('')])
  })
})

const noHost: Record<string, string> = {}

interface Question {
  method?: string
  path?: string
  headers?: Record<string, string>
}

/** A request as no browser would send it. */
async function ask(address: string, { method = 'GET', path = '/lmapp/v1/health', headers = {} }: Question) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; allowed: string | undefined }>()
  const body = method === 'POST' ? '{"model":"box/echo","content":[{"type":"text","text":"hello"}]}' : ''
  const all = { 'content-type': 'application/json', ...headers }
  const options = { method, headers: all, setHost: headers !== noHost, agent: false }
  const outgoing = httpRequest(address + path, options, (response) => {
    response.resume().once('end', () => {
      resolve({ status: response.statusCode ?? 0, allowed: response.headers['access-control-allow-origin'] })
    })
  })
  outgoing.once('error', reject).end(body)
  return promise
}

async function connects(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
