import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type ErrorCode, isLmappError } from 'lmapp-kit'
import { apiKeyOf, createHttpClient, type HttpClientOptions } from './index.ts'

const get = { method: 'GET', path: '/thing' } as const

function failsWith(code: ErrorCode, details: Record<string, unknown> = {}) {
  return (error: unknown) => {
    assert.ok(isLmappError(error, code), `${code} was due, not ${error}`)
    for (const [key, value] of Object.entries(details)) assert.equal(error.details?.[key], value)
    return true
  }
}

async function listen(
  server: Server,
  port = 0,
): Promise<{ port: number; sockets: Set<Socket>; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => {})
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  const close = async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { port: (server.address() as AddressInfo).port, sockets, close }
}

async function withServer(
  listener: RequestListener,
  act: (client: ReturnType<typeof createHttpClient>, server: Awaited<ReturnType<typeof listen>>) => Promise<void>,
  more: Partial<HttpClientOptions> & { path?: string } = {},
) {
  const server = await listen(createServer(listener))
  using client = createHttpClient({
    url: `http://127.0.0.1:${server.port}${more.path ?? ''}`,
    connectMs: 10_000,
    ...more,
  })
  try {
    await act(client, server)
  } finally {
    await server.close()
  }
}

describe('the HTTP client', () => {
  it('sends JSON below the path of the address, with the key, and gives status, headers and text', async () => {
    await withServer(
      async (request, response) => {
        const body = (await request.toArray()).join('')
        response.setHeader('x-seen', `${request.method} ${request.url} ${request.headers.authorization}`)
        response.writeHead(201).end(body)
      },
      async (client) => {
        const response = await client.request({ method: 'POST', path: '/thing', body: { a: 'é' } })
        assert.equal(response.status, 201)
        assert.equal(response.headers['x-seen'], 'POST /base/thing Bearer secret')
        assert.equal(await response.text(), '{"a":"é"}')
      },
      { path: '/base/', apiKey: async () => 'secret' },
    )
  })

  it('goes straight to the server, whatever proxy the environment names', async () => {
    const before = { ...process.env }
    Object.assign(process.env, {
      HTTP_PROXY: 'http://127.0.0.1:9',
      http_proxy: 'http://127.0.0.1:9',
      NODE_USE_ENV_PROXY: '1',
    })
    try {
      await withServer(
        (_, response) => void response.end('here'),
        async (client) => assert.equal(await (await client.request(get)).text(), 'here'),
      )
    } finally {
      process.env = before
    }
  })

  it('keeps a connection that was released and then closed, as a chat does after its last word', async () => {
    const seen = new Set<unknown>()
    await withServer(
      (request, response) => {
        seen.add(request.socket)
        response.write('the last word')
        setImmediate(() => response.end())
      },
      async (client) => {
        for (let n = 0; n < 6; n++) {
          const response = await client.request(get)
          for await (const chunk of response.bytes()) {
            assert.ok(chunk.length > 0)
            response.release()
            break
          }
          response.close()
        }
        // The next one may be asked for before the rest of the last one has come.
        assert.ok(seen.size <= 2, `${seen.size} connections`)
      },
    )
  })

  it('keeps a connection that was read to its end, or released, and says when the last one closed', async () => {
    await withServer(
      (_, response) => void response.end('x'.repeat(100_000)),
      async (client, { sockets }) => {
        const { epoch } = client
        await (await client.request(get)).text()
        const second = await client.request(get)
        second.release()
        assert.equal((await (await client.request(get)).text()).length, 100_000)
        assert.equal(sockets.size <= 2, true)
        assert.equal(client.epoch, epoch)
        const closed = [...sockets].map((socket) => once(socket, 'close'))
        for (const socket of sockets) socket.destroy()
        await Promise.all(closed)
        while (client.epoch === epoch) await new Promise((resolve) => setImmediate(resolve))
      },
    )
  })

  it('sends again over a new connection when the kept one had been closed', async () => {
    let answered = 0
    await withServer(
      (request, response) => {
        // The second request finds its connection broken.
        if (answered++ === 1) request.socket.destroy()
        else response.end('here')
      },
      async (client) => {
        await (await client.request(get)).text()
        let asked = 0
        const again = await client.request({ ...get, beforeRetry: async () => void asked++ })
        assert.equal(await again.text(), 'here')
        assert.equal(asked, 1)
        assert.equal(answered, 3)
      },
    )
  })

  it('sends nothing to what took the place of the server before it was asked to prove that', async () => {
    const seen: string[] = []
    const listener = (name: string): RequestListener => {
      return (request, response) => {
        seen.push(`${name} ${request.url}`)
        response.end('here')
      }
    }
    const first = await listen(createServer(listener('first')))
    using client = createHttpClient({ url: `http://127.0.0.1:${first.port}`, connectMs: 10_000 })
    let proved = -1
    const prove = async () => {
      await (await client.request({ method: 'GET', path: '/proof' })).text()
      proved = client.epoch
    }
    await prove()
    await first.close()
    const second = await listen(createServer(listener('second')), first.port)
    try {
      // The client may have noticed, or does so when it sends.
      if (client.epoch !== proved) await prove()
      assert.equal(await (await client.request({ ...get, beforeRetry: prove })).text(), 'here')
      assert.deepEqual(seen, ['first /proof', 'second /proof', 'second /thing'])
    } finally {
      await second.close()
    }
  })

  it('sends to a server that keeps no connection, which is proved once more', async () => {
    let proofs = 0
    await withServer(
      (request, response) => void response.setHeader('connection', 'close').end(request.url),
      async (client) => {
        const prove = async () => {
          proofs += 1
          await (await client.request({ method: 'GET', path: '/proof' })).text()
        }
        await prove()
        const response = await client.request({ ...get, beforeRetry: prove })
        assert.equal(await response.text(), '/thing')
        assert.ok(proofs <= 2)
      },
    )
  })

  it('drops the connection on close, and stops the other side', async () => {
    const { promise: stopped, resolve } = Promise.withResolvers<void>()
    await withServer(
      (_, response) => {
        response.once('close', resolve)
        response.write('begin')
      },
      async (client) => {
        const response = await client.request(get)
        for await (const bytes of response.bytes()) {
          assert.equal(Buffer.from(bytes).toString(), 'begin')
          break
        }
        response.close()
        await stopped
      },
    )
  })
})

describe('over a Unix socket', { skip: process.platform === 'win32' }, () => {
  it('the server is reached by its path, over a kept connection, and nobody is there when it is gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
    const socketPath = join(folder, 'x.sock')
    const server = createServer((request, response) => void response.end(`${request.headers.host}${request.url}`))
    try {
      await once(server.listen(socketPath), 'listening')
      using client = createHttpClient({ url: 'http://localhost/base', socketPath, connectMs: 10_000 })
      const first = client.epoch
      for (const _ of [1, 2]) assert.equal(await (await client.request(get)).text(), 'localhost/base/thing')
      assert.equal(client.epoch, first)
      server.closeAllConnections()
      await once(server.close(), 'close')
      await assert.rejects(client.request(get), failsWith('backend-unreachable'))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('what ends a request', () => {
  it('is unreachable when nobody listens, and says what to do', async () => {
    const { port, close } = await listen(createTcpServer())
    await close()
    using client = createHttpClient({ url: `http://127.0.0.1:${port}`, connectMs: 10_000, unreachableHint: 'Start it' })
    await assert.rejects(client.request(get), (error) => {
      failsWith('backend-unreachable', { reason: 'ECONNREFUSED', address: `127.0.0.1:${port}` })(error)
      return isLmappError(error) && error.hint === 'Start it'
    })
  })

  it('is unreachable when no connection is made in time', async () => {
    const full = createTcpServer()
    const server = await listen(full)
    try {
      // TLS to a server that never shakes hands: the connection is there, and not usable.
      using client = createHttpClient({ url: `https://127.0.0.1:${server.port}`, connectMs: 30 })
      await assert.rejects(client.request(get), failsWith('backend-unreachable', { reason: 'ETIMEDOUT' }))
    } finally {
      await server.close()
    }
  })

  it('failed when the connection breaks before the headers, died when after', async () => {
    await withServer(
      (request) => void request.socket.destroy(),
      async (client) => assert.rejects(client.request(get), failsWith('engine-failed', { reason: 'ECONNRESET' })),
    )
    await withServer(
      (_, response) => void response.write('begin', () => response.socket?.resetAndDestroy()),
      async (client) => {
        const response = await client.request(get)
        await assert.rejects(async () => {
          for await (const chunk of response.bytes()) assert.equal(Buffer.from(chunk).toString(), 'begin')
        }, failsWith('engine-died'))
      },
    )
  })

  it('failed when the connection breaks before a text is whole: nobody has seen anything of it', async () => {
    await withServer(
      (_, response) => void response.write('begin', () => response.socket?.resetAndDestroy()),
      async (client) => {
        const response = await client.request(get)
        await assert.rejects(response.text(), failsWith('engine-failed'))
      },
    )
  })

  it('is not identified when it is lmapp itself, or does not speak HTTP', async () => {
    await withServer(
      (_, response) => void response.setHeader('x-lmapp', '1').end('here'),
      async (client) => assert.rejects(client.request(get), failsWith('backend-not-identified')),
    )
    const server = await listen(createTcpServer((socket) => void socket.end('220 mail\r\n')))
    try {
      using client = createHttpClient({ url: `http://127.0.0.1:${server.port}`, connectMs: 10_000 })
      await assert.rejects(client.request(get), failsWith('backend-not-identified'))
    } finally {
      await server.close()
    }
  })

  it('stalled after so long a silence, before the headers and after', async () => {
    await withServer(
      () => {},
      async (client) => assert.rejects(client.request({ ...get, silenceMs: 20 }), failsWith('stalled')),
    )
    await withServer(
      (_, response) => void response.write('begin'),
      async (client) => {
        const response = await client.request({ ...get, silenceMs: 50 })
        await assert.rejects(response.text(), failsWith('stalled'))
      },
    )
  })

  it('is cancelled by its signal: before it began, before the headers, after', async () => {
    const abort = new AbortController()
    await withServer(
      (request, response) => {
        if (request.url === '/headers') response.write('begin')
        else abort.abort()
      },
      async (client) => {
        const response = await client.request({ method: 'GET', path: '/headers', signal: abort.signal })
        await assert.rejects(client.request({ ...get, signal: abort.signal }), failsWith('cancelled'))
        await assert.rejects(response.text(), failsWith('cancelled'))
        await assert.rejects(client.request({ ...get, signal: abort.signal }), failsWith('cancelled'))
      },
    )
  })

  it('is malformed when the answer is too long for its text', async () => {
    await withServer(
      (_, response) => void response.end('x'.repeat(1000)),
      async (client) => {
        const response = await client.request(get)
        await assert.rejects(response.text({ maxBytes: 999 }), failsWith('stream-malformed', { maxBytes: 999 }))
      },
    )
  })

  it('is the address itself when that is none', async () => {
    for (const url of ['box', 'ftp://box', 'http://']) {
      using client = createHttpClient({ url, connectMs: 10_000 })
      await assert.rejects(client.request(get), failsWith('config-invalid', { url }))
    }
  })
})

describe('the key', () => {
  it('comes from a variable, a file, or nowhere', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
    try {
      const path = join(folder, 'key')
      await writeFile(path, ' secret\n', { mode: 0o600 })
      const environment = { KEY: 'other', EMPTY: '' }
      assert.equal(await apiKeyOf({ config: { apiKeyFile: path }, environment })?.(), 'secret')
      assert.equal(await apiKeyOf({ config: { apiKeyEnv: 'KEY' }, environment })?.(), 'other')
      assert.equal(await apiKeyOf({ config: { apiKeyEnv: 'EMPTY' }, environment })?.(), undefined)
      assert.equal(apiKeyOf({ config: {}, environment }), undefined)
      const missing = apiKeyOf({ config: { apiKeyFile: join(folder, 'none') }, environment })
      await assert.rejects(async () => missing?.(), failsWith('config-invalid'))
      // The service works in a folder of its own, so that a relative path means nothing.
      const relative = apiKeyOf({ config: { apiKeyFile: 'key' }, environment })
      await assert.rejects(async () => relative?.(), failsWith('config-invalid'))
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('is refused in a file that others can read', { skip: process.platform === 'win32' }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-test-'))
    try {
      const path = join(folder, 'key')
      await writeFile(path, 'secret')
      await chmod(path, 0o644)
      const source = apiKeyOf({ config: { apiKeyFile: path }, environment: {} })
      await assert.rejects(
        async () => source?.(),
        (error) => isLmappError(error) && error.hint === `Run: chmod 600 '${path}'`,
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
