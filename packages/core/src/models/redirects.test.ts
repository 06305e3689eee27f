import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { afterEach, test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { type GetOptions, get, readText, TransientError } from './http.ts'
import { isInsideAddress } from './inside-address.ts'
import { createJourney, type Network } from './redirects.ts'
import { failure } from './testing/fetching.ts'
import { type Handler, type LoopbackServer, openServer } from './testing/hub-server.ts'

const servers: LoopbackServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]()
})

async function serve(handler: Handler, host?: string): Promise<LoopbackServer> {
  const opened = await openServer(handler, host)
  servers.push(opened)
  return opened
}

const redirectTo = (location: string) => serve((_, response) => response.writeHead(302, { location }).end())
const answering = (text: string, host?: string) => serve((_, response) => response.end(text), host)
const portOf = ({ url }: LoopbackServer): string => new URL(url).port

/** Addresses by name. Each look-up takes the next of them, and the last stays. */
type Names = Record<string, (readonly string[])[]>

/** Where 127.0.0.1, on which the servers listen, counts as an address of anybody. */
function openNetwork(names: Names = {}): Network & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    isInside: (address) => address !== '127.0.0.1' && isInsideAddress(address),
    lookup(name, _, callback) {
      asked.push(name)
      const [next, ...later] = names[name] ?? []
      if (later.length > 0) names[name] = later
      if (!next) return callback(Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' }), [])
      callback(
        null,
        next.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    },
  }
}

/** As it is: loopback is inside. */
const closedNetwork = (names: Names = {}): Network => ({ ...openNetwork(names), isInside: isInsideAddress })

const outside = [['127.0.0.1']]

async function textOf(url: string, options: Partial<GetOptions> = {}): Promise<string> {
  const response = await get(url, { signal: AbortSignal.timeout(20_000), stallMs: 10_000, environment: {}, ...options })
  return readText(response, 1000)
}

const refused = (url: string, options: Partial<GetOptions>) => failure(textOf(url, options), 'download-failed')

test('a public server redirects to another one, by address and by name', async () => {
  const last = await answering('here')
  const network = openNetwork({ 'cdn.test': outside, 'hub.test': outside })
  const byName = await redirectTo(`http://cdn.test:${portOf(last)}/file`)
  assert.equal(await textOf(`http://hub.test:${portOf(byName)}/`, { network }), 'here')
  const byAddress = await redirectTo(`${last.url}/file`)
  assert.equal(await textOf(`http://hub.test:${portOf(byAddress)}/`, { network }), 'here')
  assert.deepEqual(last.requests, ['GET /file', 'GET /file'])
  assert.deepEqual(network.asked, ['hub.test', 'cdn.test', 'hub.test'])
})

test('a public server redirects to no address inside, in whatever way it is written', async () => {
  const places = ['127.0.0.2', '10.0.0.7', '172.20.1.1', '192.168.1.1', '169.254.169.254', '0.0.0.0', '100.100.100.200']
  const numbers = ['127.2', '2130706434', '0x7f000002', '0177.0.0.2', '127.0.0.2.', '224.0.0.1', '%EF%BC%910.0.0.7']
  const long = ['[::1]', '[::]', '[fd00::1]', '[fe80::1]', '[ff02::1]', '[::ffff:10.0.0.7]', '[::ffff:a00:7]']
  const names = ['localhost', 'LOCALHOST', 'localhost.', 'api.localhost', '[64:ff9b::10.0.0.7]']
  for (const place of [...places, ...numbers, ...long, ...names]) {
    for (const scheme of ['http', 'https']) {
      const network = openNetwork({ 'hub.test': outside, localhost: outside })
      const hub = await redirectTo(`${scheme}://${place}:9/`)
      const error = await refused(`http://hub.test:${portOf(hub)}/`, { network })
      assert.match(error.message, /of this machine or its networks/, place)
      assert.match(error.hint, /lmapp config get sources/)
      assert.deepEqual(network.asked, ['hub.test'])
    }
  }
})

test('and to no name that stands for one, not even among others', async () => {
  const meanings = [['10.0.0.7'], ['::1'], ['::ffff:169.254.169.254'], ['fe80::1%eth0'], ['127.0.0.1', '192.168.1.1']]
  for (const meaning of meanings) {
    for (const scheme of ['http', 'https']) {
      const network = openNetwork({ 'hub.test': outside, 'nice.test': [meaning] })
      const hub = await redirectTo(`${scheme}://nice.test:9/`)
      const error = await refused(`http://hub.test:${portOf(hub)}/`, { network })
      assert.deepEqual(error.details, { host: 'nice.test:9' })
      assert.deepEqual(network.asked, ['hub.test', 'nice.test'])
    }
  }
})

const secondLoopback = { skip: process.platform === 'darwin' && 'macOS has no second address of loopback' }

test('a name that was public cannot become private: nothing inside is asked', secondLoopback, async () => {
  const within = await answering('secret', '127.0.0.2')
  const hub = await redirectTo(`http://hub.test:${portOf(within)}/`)
  const rebinding = openNetwork({ 'hub.test': [['127.0.0.1'], ['127.0.0.2']] })
  await refused(`http://hub.test:${portOf(hub)}/`, { network: rebinding })
  const named = openNetwork({ 'hub.test': outside, 'other.test': [['127.0.0.2']] })
  const second = await redirectTo(`http://other.test:${portOf(within)}/`)
  await refused(`http://hub.test:${portOf(second)}/`, { network: named })
  assert.deepEqual(within.requests, [])
})

test('the address that was judged is the one that is connected to: a name is looked up once for each request', async () => {
  const last = await answering('judged')
  const network = openNetwork({ 'hub.test': outside, 'cdn.test': [['127.0.0.1'], ['10.0.0.7']] })
  const hub = await redirectTo(`http://cdn.test:${portOf(last)}/`)
  assert.equal(await textOf(`http://hub.test:${portOf(hub)}/`, { network }), 'judged')
  assert.deepEqual(network.asked, ['hub.test', 'cdn.test'])
})

test('the last redirect of a chain is judged as the first', async () => {
  const network = openNetwork({ 'one.test': outside, 'two.test': outside, 'three.test': [['10.0.0.7']] })
  const two = await redirectTo('http://three.test/')
  const one = await redirectTo(`http://two.test:${portOf(two)}/`)
  await refused(`http://one.test:${portOf(one)}/`, { network })
  assert.deepEqual([one.requests.length, two.requests.length], [1, 1])
})

test('a mirror inside may redirect to its own host, on any port, by address and by name', async () => {
  const network = closedNetwork({ 'mirror.test': outside })
  const last = await answering('here')
  const again = await serve((request, response) => {
    const location = request.url === '/first' ? '/second' : `${last.url}/`
    response.writeHead(302, { location }).end()
  })
  assert.equal(await textOf(`${again.url}/first`, { network }), 'here')
  const named = await redirectTo(`http://mirror.test:${portOf(last)}/`)
  assert.equal(await textOf(`http://mirror.test:${portOf(named)}/`, { network }), 'here')
})

test('a mirror that is known outside too is inside as soon as one of its addresses is', () => {
  const journey = createJourney(
    new URL('http://mirror.test/'),
    closedNetwork({ 'mirror.test': [['1.1.1.1', '10.0.0.7']] }),
  )
  const found: unknown[] = []
  const look = () => journey.lookup('mirror.test', { all: true }, (_, addresses) => found.push(addresses))
  look()
  journey.follow('/next')
  look()
  assert.equal(found.length, 2)
  assert.deepEqual(found[1], found[0])
})

test('but to no other host inside, and not by a detour outside', async () => {
  const names = { 'mirror.test': outside, 'other.test': outside }
  for (const place of ['http://other.test:9/', 'http://10.0.0.7/', 'http://localhost:9/', 'http://[::1]:9/']) {
    const mirror = await redirectTo(place)
    await refused(`${mirror.url}/`, { network: closedNetwork({ ...names }) })
    await refused(`http://mirror.test:${portOf(mirror)}/`, { network: closedNetwork({ ...names }) })
    assert.equal(mirror.requests.length, 2)
  }
  const journey = createJourney(new URL('http://10.0.0.7/'), closedNetwork())
  journey.follow('https://cdn.example/')
  assert.throws(() => journey.follow('https://10.0.0.7/'), isRefusal)
})

test('a mirror inside may lead to a public server', async () => {
  const last = await answering('here')
  const hub = await redirectTo(`${last.url}/`)
  assert.equal(
    await textOf(`http://localhost:${portOf(hub)}/`, { network: openNetwork({ localhost: outside }) }),
    'here',
  )
})

const isRefusal = (error: unknown) => isLmappError(error, 'download-failed')

test('a redirect brings no scheme but the web’s, no way back from HTTPS, and no user', () => {
  const from = (url: string) => createJourney(new URL(url), closedNetwork())
  for (const location of [
    'http://hub.test/',
    'ftp://a.test/',
    'file:///etc/passwd',
    'data:,x',
    'https://',
    'https://[',
  ]) {
    assert.throws(() => from('https://hub.test/').follow(location), isRefusal, location)
  }
  for (const location of ['http://user:pass@hub.test/', 'https://user@cdn.test/', '//:pass@hub.test/']) {
    assert.throws(() => from('http://hub.test/').follow(location), isRefusal, location)
  }
  assert.throws(() => from('http://me:mine@hub.test/').follow('http://me:mine@hub.test:81/'), isRefusal)
  const own = from('http://me:mine@hub.test/a')
  own.follow('/b')
  assert.equal(own.current.href, 'http://me:mine@hub.test/b')
  own.follow('https://hub.test/c')
  assert.equal(own.current.href, 'https://hub.test/c')
})

test('a proxy looks up names itself: then addresses and localhost are judged', async () => {
  const locations = { '/name': 'http://inside.test/', '/ip': 'http://10.0.0.7/', '/local': 'http://x.localhost/' }
  const proxy = await serve((request, response) => {
    const path = new URL(request.url ?? '').pathname
    const location = Object.entries(locations).find(([each]) => each === path)?.[1]
    response.writeHead(location ? 302 : 200, location ? { location } : {}).end('through the proxy')
  })
  const network = openNetwork()
  const options = { network, environment: { HTTP_PROXY: proxy.url } }
  assert.equal(await textOf('http://hub.test/name', options), 'through the proxy')
  await refused('http://hub.test/ip', options)
  await refused('http://hub.test/local', options)
  assert.deepEqual(proxy.requests.slice(0, 2), ['GET http://hub.test/name', 'GET http://inside.test/'])
  assert.equal(proxy.requests.length, 4)
  assert.deepEqual(network.asked, [])
})

test('a name that nobody knows may be known at another try', async () => {
  await assert.rejects(textOf('http://nowhere.test/', { network: openNetwork() }), TransientError)
  const hub = await redirectTo('http://nowhere.test/')
  const network = openNetwork({ 'hub.test': outside })
  await assert.rejects(textOf(`http://hub.test:${portOf(hub)}/`, { network }), TransientError)
})

test('who asks for one address gets one, of those that are allowed', () => {
  const names = { 'hub.test': [['1.1.1.1', '1.0.0.1']], 'nothing.test': [[]], 'inside.test': [['1.1.1.1', '::1']] }
  const journey = createJourney(new URL('http://hub.test/'), closedNetwork(names))
  const found: unknown[] = []
  const look = (name: string) =>
    journey.lookup(name, { family: 0 }, (error, address, family) => found.push([error?.code, address, family]))
  look('hub.test')
  journey.follow('http://inside.test/')
  look('inside.test')
  look('nothing.test')
  assert.deepEqual(found, [
    [undefined, '1.1.1.1', 4],
    ['download-failed', [], undefined],
    [undefined, '', undefined],
  ])
})
