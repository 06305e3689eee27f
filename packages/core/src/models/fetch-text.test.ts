import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { type FetchTextOptions, fetchText } from './fetch-text.ts'
import { failure } from './testing/fetching.ts'
import { type Handler, type LoopbackServer, openServer } from './testing/hub-server.ts'

const servers: LoopbackServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]()
})

async function serve(handler: Handler): Promise<string> {
  const opened = await openServer(handler)
  servers.push(opened)
  return opened.url
}

const fetchFrom = (url: string, options: Partial<FetchTextOptions> = {}) =>
  fetchText(url, {
    signal: AbortSignal.timeout(20_000),
    stallMs: 10_000,
    environment: {},
    longestBytes: 1000,
    ...options,
  })

test('a text is fetched, also where it has moved to', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/old') response.writeHead(301, { location: '/new' }).end()
    else response.end('grüße')
  })
  assert.equal(await fetchFrom(`${url}/old`), 'grüße')
})

test('what goes wrong is told without the address, which may be secret', async () => {
  const cases: [Handler, RegExp][] = [
    [(_, response) => response.writeHead(404).end(), /answered 404/],
    [(_, response) => response.end(Buffer.alloc(2000)), /far too long/],
    [(_, response) => response.writeHead(302, { location: 'http://10.0.0.7/' }).end(), /this machine or its networks/],
    [(_, response) => response.destroy(), /did not arrive/],
    [(_, response) => response.writeHead(200, { 'content-length': 9 }).write('a', () => response.destroy()), /broke/],
  ]
  for (const [handler, words] of cases) {
    const url = await serve(handler)
    const error = await failure(fetchFrom(`${url}/?key=secret`), 'download-failed')
    assert.match(error.message, words)
    assert.doesNotMatch(error.message, /secret/)
  }
})

test('who leaves gets the own reason back', async () => {
  const stop = new AbortController()
  const url = await serve(() => stop.abort(new Error('enough')))
  await assert.rejects(fetchFrom(url, { signal: stop.signal }), /enough/)
})
