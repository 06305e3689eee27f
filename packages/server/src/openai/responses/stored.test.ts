import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { type Json, post, read } from '../testing/ask.ts'
import {
  answer,
  askEvents,
  askResponse,
  cancel,
  get,
  path,
  readEvents,
  refused,
  remove,
  typesOf,
} from './testing/ask-response.ts'
import { openService } from './testing/open-service.ts'

const clock = { type: 'function', name: 'clock', parameters: { type: 'object' } }
const text = (words: string) => ({ type: 'text', text: words })
const keyOf = (id: string) => id.slice('resp_'.length)

describe('a stored response', async () => {
  const service = await openService()
  after(() => service[Symbol.asyncDispose]())

  it('is retrieved as it was told', async () => {
    const whole = await askResponse(service, { metadata: { a: 'b' } })
    assert.deepEqual((await get(service, whole.body.id)).body, whole.body)
    const streamed = await askEvents(service, {})
    const { response } = streamed.at(-1)
    assert.deepEqual((await get(service, response.id)).body, response)
  })

  it('is not there where nothing was to be stored', async () => {
    const { body } = await askResponse(service, { store: false })
    assert.equal(body.store, false)
    assert.equal((await get(service, body.id)).status, 404)
    const events = await askEvents(service, { store: false })
    assert.equal((await get(service, events[0].response.id)).status, 404)
    const told = await refused(service, { input: 'And?', previous_response_id: body.id })
    assert.deepEqual([told.status, told.body.error.param], [404, 'previous_response_id'])
  })

  it('is gone on with, over three turns with a call in the middle', async () => {
    const first = await askResponse(
      service,
      { input: 'What time is it?', instructions: 'Be brief.', tools: [clock] },
      async (chat) => {
        await chat.push({ type: 'reasoning-delta', text: 'A clock.' })
        await chat.push({ type: 'tool-call', id: 'c1', name: 'clock', arguments: '{}' })
        await chat.finish('tool-calls')
      },
    )
    const second = await askResponse(
      service,
      {
        input: [{ type: 'function_call_output', call_id: 'c1', output: 'noon' }],
        previous_response_id: first.body.id,
        tools: [clock],
      },
      (chat) => answer(chat, 'It is noon.'),
    )
    const called = [
      { role: 'user', content: [text('What time is it?')] },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'A clock.' },
          { type: 'tool-call', id: 'c1', name: 'clock', arguments: '{}' },
        ],
      },
      { role: 'tool', content: [{ type: 'tool-result', id: 'c1', name: 'clock', text: 'noon' }] },
    ]
    assert.deepEqual(second.chat.request.messages, called, 'instructions are of their own turn')
    assert.equal(second.body.previous_response_id, first.body.id)
    const third = await askEvents(
      service,
      { input: 'Thanks.', instructions: 'Be kind.', previous_response_id: second.body.id },
      async (chat) => {
        assert.deepEqual(chat.request.messages, [
          { role: 'system', content: [text('Be kind.')] },
          ...called,
          { role: 'assistant', content: [text('It is noon.')] },
          { role: 'user', content: [text('Thanks.')] },
        ])
        await answer(chat, 'Welcome.')
      },
    )
    await remove(service, second.body.id)
    const fourth = await askResponse(service, { input: 'Bye.', previous_response_id: third.at(-1).response.id })
    assert.equal(fourth.chat.request.messages.length, 7, 'a link that is gone breaks none after it')
    const branch = await askResponse(service, {
      input: [{ type: 'function_call_output', call_id: 'c1', output: 'midnight' }],
      previous_response_id: first.body.id,
    })
    assert.deepEqual(branch.chat.request.messages.slice(0, 2), called.slice(0, 2))
  })

  it('that has not ended well is gone on with as far as it came', async () => {
    const failed = await askEvents(service, { input: 'One?' }, async (chat) => {
      await chat.say('Half a')
      chat.fail(new LmappError('engine-died', 'The engine died.'))
    })
    const next = await askResponse(service, { input: 'Two?', previous_response_id: failed[0].response.id })
    assert.deepEqual(
      next.chat.request.messages.map(({ content }) => content),
      [[text('One?')], [text('Half a')], [text('Two?')]],
    )
  })

  it('gives its items to those that name them', async () => {
    const events = await askEvents(service, { input: 'One?' }, async (chat) => {
      await chat.push({ type: 'reasoning-delta', text: 'Hm.' })
      await answer(chat, 'Two.')
    })
    const { id, output } = events.at(-1).response
    const { body: items } = await get(service, `${id}/input_items`)
    const named = [items.data[0], ...output].map((item: Json) => ({ type: 'item_reference', id: item.id }))
    const next = await askResponse(service, {
      input: [...named, { id: output[1].id }, { role: 'user', content: 'And?' }],
    })
    assert.deepEqual(next.chat.request.messages, [
      { role: 'user', content: [text('One?')] },
      { role: 'assistant', content: [{ type: 'reasoning', text: 'Hm.' }, text('Two.Two.')] },
      { role: 'user', content: [text('And?')] },
    ])
    const listed = await get(service, `${next.body.id}/input_items?order=asc`)
    assert.deepEqual(listed.body.data[2], output[1], 'they are listed as what they stand for')
    for (const unknown of [`msg_${keyOf(id)}_9`, `msg_${keyOf(id)}_in9`, `msg_${'0'.repeat(32)}_0`, 'rs_abc']) {
      const told = await refused(service, { input: [{ type: 'item_reference', id: unknown }] })
      assert.deepEqual([told.status, told.body.error.param], [404, 'input[0].id'])
    }
  })

  it('lists what it answers, page by page', async () => {
    const input = [
      { role: 'developer', content: 'Be brief.' },
      { type: 'message', id: 'msg_mine', role: 'user', content: [{ type: 'input_text', text: 'One?' }] },
      { role: 'assistant', content: 'Two.' },
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] },
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm.' }] },
      { type: 'function_call', call_id: 'c1', name: 'clock', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'noon' },
    ]
    const { body } = await askResponse(service, { input })
    const key = keyOf(body.id)
    const { body: all } = await get(service, `${body.id}/input_items?order=asc`)
    assert.deepEqual(all.data, [
      {
        id: `msg_${key}_in0`,
        type: 'message',
        role: 'developer',
        status: 'completed',
        content: [{ type: 'input_text', text: 'Be brief.' }],
      },
      { ...input[1], status: 'completed' },
      {
        id: `msg_${key}_in2`,
        type: 'message',
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'Two.', annotations: [] }],
      },
      { id: `rs_${key}_in3`, ...input[3] },
      { id: `rs_${key}_in4`, summary: [], ...input[4] },
      { id: `fc_${key}_in5`, ...input[5], status: 'completed' },
      { id: `fco_${key}_in6`, ...input[6], status: 'completed' },
    ])
    const { body: newest } = await get(service, `${body.id}/input_items?limit=2`)
    assert.deepEqual(
      newest.data.map(({ type }: Json) => type),
      ['function_call_output', 'function_call'],
    )
    assert.deepEqual([newest.first_id, newest.last_id, newest.has_more], [`fco_${key}_in6`, `fc_${key}_in5`, true])
    const { body: rest } = await get(service, `${body.id}/input_items?limit=100&after=${newest.last_id}`)
    assert.deepEqual([rest.data.length, rest.has_more], [5, false])
    const { body: none } = await get(service, `${body.id}/input_items?after=msg_${key}_in0`)
    assert.deepEqual([none.data, none.first_id, none.last_id], [[], null, null])
    for (const wrong of ['limit=0', 'limit=101', 'limit=x', 'order=up', 'after=nobody']) {
      assert.equal((await get(service, `${body.id}/input_items?${wrong}`)).status, 400, wrong)
    }
  })

  it('is deleted, and is gone', async () => {
    const { body } = await askResponse(service, {})
    const deleted = await remove(service, body.id)
    assert.deepEqual(deleted.body, { id: body.id, object: 'response', deleted: true })
    for (const told of [await get(service, body.id), await remove(service, body.id), await cancel(service, body.id)]) {
      assert.equal(told.status, 404)
      assert.equal(told.body.error.type, 'invalid_request_error')
    }
  })

  it('is told again as it was, from any event on', async () => {
    const told = await askEvents(service, {}, async (chat) => {
      await chat.push({ type: 'reasoning-delta', text: 'Hm.' })
      await chat.say('One')
      await chat.say(' two')
      await chat.push({ type: 'tool-call', id: 'c1', name: 'clock', arguments: '{}' })
      await chat.finish()
    })
    const { id } = told[0].response
    const replay = async (query: string) => {
      return Array.fromAsync(readEvents(await fetch(`${service.address}${path}/${id}?stream=true${query}`)))
    }
    assert.deepEqual(await replay(''), told)
    assert.deepEqual(await replay('&starting_after=7'), told.slice(8))
    assert.deepEqual(await replay(`&starting_after=${told.length - 1}`), [])
    const whole = await askResponse(service, {})
    const response = await fetch(`${service.address}${path}/${whole.body.id}?stream=true`)
    const events = await Array.fromAsync(readEvents(response))
    assert.deepEqual(events.at(-1).response, whole.body)
    for (const wrong of ['stream=maybe', 'stream=true&starting_after=-1']) {
      assert.equal((await get(service, `${id}?${wrong}`)).status, 400)
    }
  })

  it('belongs to its owner', async () => {
    service.keys.set('one', { id: 'k1', name: 'one', scopes: ['chat'] })
    service.keys.set('two', { id: 'k2', name: 'two', scopes: ['chat'] })
    const as = (key: string) => ({ authorization: `Bearer ${key}` })
    const { body } = await askResponse(service, {}, undefined, as('one'))
    assert.equal((await get(service, body.id, { headers: as('one') })).status, 200)
    const follow = { input: 'And?', previous_response_id: body.id }
    for (const headers of [as('two'), {}]) {
      assert.equal((await get(service, body.id, { headers })).status, 404)
      assert.equal((await get(service, `${body.id}/input_items`, { headers })).status, 404)
      assert.equal((await get(service, body.id, { headers, method: 'DELETE' })).status, 404)
      assert.equal((await read(post(service, path, follow, { headers }))).status, 404)
      const named = { input: [{ type: 'item_reference', id: body.output[0].id }] }
      assert.equal((await read(post(service, path, named, { headers }))).status, 404)
    }
    assert.equal((await get(service, body.id, { headers: as('one') })).status, 200)
  })

  it('is not there in the next service', async () => {
    const { body } = await askResponse(service, {})
    await using next = await openService()
    const told = await refused(next, { input: 'And?', previous_response_id: body.id })
    assert.equal(told.status, 404)
    assert.match(told.body.error.message, /kept in memory/)
  })
})

describe('a response in the background', async () => {
  const service = await openService()
  after(() => service[Symbol.asyncDispose]())

  async function begin(body: object = {}) {
    const asked = post(service, path, { input: 'Hello', background: true, ...body })
    const chat = await service.backend.nextChat()
    return { asked, chat }
  }

  async function poll(id: string, until: (body: Json) => boolean): Promise<Json> {
    for (;;) {
      const { body } = await get(service, id)
      if (until(body)) return body
    }
  }
  const hasEnded = ({ status }: Json) => status !== 'in_progress' && status !== 'queued'

  it('is told of at once, polled, and complete at its end', async () => {
    const { asked, chat } = await begin()
    const { body, status } = await read(asked)
    assert.deepEqual([status, body.status, body.background, body.usage], [200, 'in_progress', true, null])
    const early = await refused(service, { input: 'And?', previous_response_id: body.id })
    assert.deepEqual([early.status, early.body.error.param], [400, 'previous_response_id'])
    await chat.say('One')
    const partial = await poll(body.id, ({ output }) => output.length > 0)
    assert.deepEqual([partial.status, partial.output[0].status], ['in_progress', 'in_progress'])
    const named = { input: [{ type: 'item_reference', id: partial.output[0].id }] }
    assert.equal((await refused(service, named)).status, 404, 'it is not whole yet')
    await answer(chat, ' two')
    const whole = await poll(body.id, hasEnded)
    assert.deepEqual([whole.status, whole.output[0].content[0].text], ['completed', 'One two'])
  })

  it('is joined by whoever wants to read along', async () => {
    const { asked, chat } = await begin()
    const { body } = await read(asked)
    await chat.say('One')
    await poll(body.id, ({ output }) => output.length > 0)
    const url = `${service.address}${path}/${body.id}?stream=true`
    const [first, second] = [readEvents(await fetch(url)), readEvents(await fetch(`${url}&starting_after=3`))]
    const beginning = await first.next()
    assert.equal(beginning.value.type, 'response.created')
    await answer(chat, ' two')
    const all = [beginning.value, ...(await Array.fromAsync(first))]
    assert.equal(all.at(-1).response.output[0].content[0].text, 'One two')
    assert.deepEqual(await Array.fromAsync(second), all.slice(4))
  })

  it('is streamed, and goes on without its reader', async () => {
    const leaving = new AbortController()
    const asked = post(service, path, { input: 'Hello', background: true, stream: true }, { signal: leaving.signal })
    const chat = await service.backend.nextChat()
    await chat.say('One')
    const events = readEvents(await asked)
    const { value: created } = await events.next()
    leaving.abort()
    await assert.rejects(Array.fromAsync(events), { name: 'AbortError' })
    await answer(chat, ' two')
    const whole = await poll(created.response.id, hasEnded)
    assert.equal(whole.output[0].content[0].text, 'One two')
  })

  it('is cancelled, once and for all', async () => {
    const { asked, chat } = await begin({ stream: true })
    await chat.say('One')
    const events = readEvents(await asked)
    const { value: created } = await events.next()
    const { id } = created.response
    const { body, status } = await cancel(service, id)
    assert.deepEqual([status, body.status, body.error], [200, 'cancelled', null])
    assert.equal(body.output[0].status, 'incomplete')
    const rest = await Array.fromAsync(events)
    assert.equal(rest.at(-1).type, 'response.failed', 'its stream does not end as if all were there')
    assert.equal(rest.at(-1).response.status, 'cancelled')
    assert.deepEqual((await cancel(service, id)).body, body)
    assert.deepEqual((await get(service, id)).body, body)
  })

  it('that has ended stays as it is when it is cancelled', async () => {
    const { asked, chat } = await begin()
    const { body } = await read(asked)
    await answer(chat, 'Hi.')
    const whole = await poll(body.id, hasEnded)
    assert.deepEqual((await cancel(service, body.id)).body, whole)
  })

  it('is the only one that can be cancelled', async () => {
    const { body } = await askResponse(service, {})
    const told = await cancel(service, body.id)
    assert.deepEqual([told.status, told.body.error.code], [400, 'bad-input'])
  })

  it('is stopped when it is deleted, and does not come back', async () => {
    const { asked, chat } = await begin()
    const { body } = await read(asked)
    await chat.say('One')
    const run = service.app.runs.list('guest')[0]
    assert.equal((await remove(service, body.id)).status, 200)
    assert.equal((await run?.ended)?.state, 'stopped')
    assert.equal((await get(service, body.id)).status, 404)
  })

  it('that fails says so when it is polled', async () => {
    const { asked, chat } = await begin()
    const { body } = await read(asked)
    chat.fail(new LmappError('engine-died', 'The engine died.'))
    const failed = await poll(body.id, hasEnded)
    assert.deepEqual([failed.status, failed.error.code], ['failed', 'server_error'])
  })

  it('is refused at once for a model that is not there', async () => {
    const told = await refused(service, { input: 'Hello', background: true, model: 'nobody/has-this' })
    assert.deepEqual([told.status, told.body.error.code], [404, 'model_not_found'])
  })

  it('that was joined is told to the end to one reader when another leaves', async () => {
    const { asked, chat } = await begin({ stream: true })
    await chat.say('One')
    const events = readEvents(await asked)
    const { value: created } = await events.next()
    const leaving = new AbortController()
    const url = `${service.address}${path}/${created.response.id}?stream=true`
    const other = readEvents(await fetch(url, { signal: leaving.signal }))
    await other.next()
    leaving.abort()
    await answer(chat, ' two')
    assert.deepEqual(typesOf(await Array.fromAsync(events)).at(-1), 'completed')
  })
})
