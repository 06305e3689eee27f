import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { isLmappError, LmappError } from '../errors/lmapp-error.ts'
import { type Connection, type ConnectionOptions, createConnection, unknownMethod } from './connection.ts'
import { createOutput } from './output.ts'

type Handlers = Partial<Pick<ConnectionOptions, 'onRequest' | 'onNotification'>>

/** Two connections over two pipes. */
function createPair(near: Handlers, far: Handlers) {
  const there = new PassThrough()
  const back = new PassThrough()
  const open = (input: PassThrough, output: PassThrough, handlers: Handlers): Connection =>
    createConnection({
      input,
      output: createOutput(output),
      onRequest: handlers.onRequest ?? ((method) => Promise.reject(unknownMethod(method))),
      onNotification: handlers.onNotification ?? (() => {}),
    })
  return { near: open(back, there, near), far: open(there, back, far), there, back }
}

const code = (expected: string) => (error: unknown) => isLmappError(error) && error.code === expected

describe('createConnection', () => {
  it('asks, answers and notifies, in both directions and in any order', async () => {
    const heard: unknown[] = []
    const slow = Promise.withResolvers<string>()
    const { near, far } = createPair(
      { onRequest: (method, params) => ({ method, params }) },
      {
        onRequest: (method) => (method === 'slow' ? slow.promise : undefined),
        onNotification: (method, params) => heard.push([method, params]),
      },
    )
    const waiting = near.call('slow')
    assert.equal(await near.call('quick').response, null)
    assert.deepEqual(await far.call('back', [1]).response, { method: 'back', params: [1] })
    near.notify('news', { a: 1 })
    slow.resolve('late')
    assert.equal(await waiting.response, 'late')
    assert.deepEqual(heard, [['news', { a: 1 }]])
  })

  it("rejects with the other side's error, by its code", async () => {
    const failures: Record<string, unknown> = {
      known: new LmappError('context-overflow', 'Too long.', { hint: 'Less.', details: { tokens: 3 } }),
      plain: new TypeError('oops'),
      text: 'odd',
      aborted: new DOMException('x', 'AbortError'),
    }
    const { near } = createPair(
      {},
      {
        onRequest: (method) => {
          throw failures[method] ?? unknownMethod(method)
        },
      },
    )
    await assert.rejects(near.call('known').response, (error) => {
      assert.ok(isLmappError(error, 'context-overflow'))
      return error.hint === 'Less.' && error.details?.tokens === 3 && error.message === 'Too long.'
    })
    for (const [method, expected, message] of [
      ['plain', 'engine-failed', 'oops'],
      ['text', 'engine-failed', 'odd'],
      ['aborted', 'cancelled', 'Cancelled.'],
      ['dance', 'method-not-found', 'The method "dance" is not known here.'],
    ] as const) {
      await assert.rejects(
        near.call(method).response,
        (error) => code(expected)(error) && (error as Error).message === message,
      )
    }
  })

  it('tells the one who answers that the request was cancelled', async () => {
    const { near } = createPair(
      {},
      {
        onRequest: (_method, _params, { signal }) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      },
    )
    const { id, response } = near.call('long')
    near.cancel('nothing')
    near.cancel(id)
    await assert.rejects(response, code('cancelled'))
  })

  it('rejects what is open when the line ends, and aborts what comes in', async () => {
    let aborted: AbortSignal | undefined
    const { near, far, there, back } = createPair(
      {},
      {
        onRequest: (_method, _params, { signal }) => {
          aborted = signal
          return new Promise(() => {})
        },
      },
    )
    const { response } = near.call('long')
    await turn()
    back.end()
    await assert.rejects(response, code('stream-incomplete'))
    assert.equal(await near.closed, undefined)
    await assert.rejects(near.call('more').response, (error) => error === near.endError)
    assert.equal(near.notify('more'), true)
    await near.drained()
    there.destroy(new Error('broken pipe'))
    assert.equal(await far.closed, undefined)
    assert.ok(aborted?.aborted)
  })

  it('ends from this side, and hears nothing more', async () => {
    const heard: string[] = []
    const { near, far } = createPair({ onNotification: (method) => heard.push(method) }, {})
    const { response } = near.call('long')
    const reason = new LmappError('backend-stopped', 'enough')
    near.close(reason)
    near.close(new LmappError('cancelled', 'again'))
    await assert.rejects(response, reason)
    assert.equal(await near.closed, reason)
    far.notify('late')
    await turn()
    assert.deepEqual(heard, [])
  })

  it('breaks on what is no message, with the beginning of the line', async () => {
    for (const line of ['hello', '[]', 'null', '{"id":{}, "method":"x"}', '{"id":1}', '{"method":3}']) {
      const { near, back } = createPair({}, {})
      const { response } = near.call('x')
      back.write(`${line}${' '.repeat(500)}\n`)
      const error = await near.closed
      assert.ok(isLmappError(error, 'stream-malformed'), line)
      assert.equal(String(error.details?.line).slice(0, line.length), line)
      assert.equal(String(error.details?.line).length, 200)
      await assert.rejects(response, error)
    }
  })

  it('breaks when the other side could not read us, or a listener finds the protocol broken', async () => {
    const one = createPair({}, {})
    one.back.write('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"What?"}}\n')
    assert.ok(code('protocol-violation')(await one.near.closed))

    for (const [thrown, expected] of [
      [new LmappError('stream-incomplete', 'no'), 'stream-incomplete'],
      [new Error('a bug'), 'protocol-violation'],
    ] as const) {
      const other = createPair(
        {
          onNotification: () => {
            throw thrown
          },
        },
        {},
      )
      other.far.notify('x')
      assert.ok(code(expected)(await other.near.closed))
    }
  })

  it('tolerates empty lines, unknown members, and answers nobody waits for', async () => {
    const heard: unknown[] = []
    const { near, back } = createPair({ onNotification: (method) => heard.push(method) }, {})
    back.write('\n\r\n{"jsonrpc":"2.0","id":99,"result":1}\n{"id":98,"error":{}}\n{"method":"x","later":[1]}\n')
    back.end('{"method":"last, without LF"}')
    assert.equal(await near.closed, undefined)
    assert.deepEqual(heard, ['x', 'last, without LF'])
  })

  it('refuses to send what is too long, and lives on', async () => {
    const { near, far } = createPair({}, { onRequest: (_method, params) => 'x'.repeat(Number(params)) })
    near.setOutgoingLimit(80)
    far.setOutgoingLimit(300)
    const long = 'ä'.repeat(40)
    await assert.rejects(near.call('x', long).response, code('bad-input'))
    assert.throws(() => near.notify('x', long), code('bad-input'))
    await assert.rejects(near.call('x', 500).response, code('bad-input'))
    assert.equal(await near.call('x', 3).response, 'xxx')
  })

  it('says when it is better to wait, and when there is room again', async () => {
    const { near, there } = createPair({}, {})
    await near.drained()
    assert.equal(near.notify('x', 'x'.repeat(100_000)), false)
    await near.drained()
    assert.equal(near.notify('x'), true)
    there.pause()
    assert.equal(near.notify('x', 'x'.repeat(100_000)), false)
    const waiting = near.drained()
    there.destroy()
    await waiting
  })
})
