import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { LmappError } from 'lmapp-kit'
import { startTestService } from '../../testing/test-app.ts'
import { type Json, post, read } from '../testing/ask.ts'
import { answer, askEvents, get, path, readEvents, typesOf } from './testing/ask-response.ts'
import { openService } from './testing/open-service.ts'

const last = (events: Json[]) => events.at(-1)

describe('a streamed response', async () => {
  const service = await openService()
  after(() => service[Symbol.asyncDispose]())

  it('tells of its text in order, with rising numbers, and ends whole', async () => {
    const events = await askEvents(service, {}, async (chat) => {
      await chat.say('Hel')
      await chat.say('lo "you"\n')
      await chat.finish()
    })
    assert.deepEqual(typesOf(events), [
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'completed',
    ])
    assert.deepEqual(
      events.map(({ sequence_number }) => sequence_number),
      events.map((_, index) => index),
    )
    const { response } = last(events)
    const item = response.output[0]
    assert.equal(response.status, 'completed')
    assert.equal(item.content[0].text, 'Hello "you"\n')
    assert.deepEqual(events[8].item, item)
    assert.deepEqual(events[7].part, item.content[0])
    for (const event of events.slice(3, 8)) {
      assert.deepEqual([event.item_id, event.output_index, event.content_index], [item.id, 0, 0])
    }
    assert.deepEqual(events[4].logprobs, [])
    assert.equal(response.usage.total_tokens, 5)
  })

  it('begins with a response that is complete but for its output', async () => {
    const events = await askEvents(service, { instructions: 'Be brief.', metadata: { a: 'b' } })
    const { response } = events[0]
    assert.deepEqual(Object.keys(response).sort(), Object.keys(last(events).response).sort())
    assert.equal(response.status, 'in_progress')
    assert.equal(response.model, 'dictated/tiny')
    assert.equal(response.instructions, 'Be brief.')
    assert.deepEqual(response.output, [])
    assert.equal(response.usage, null)
  })

  it('tells thoughts as what they are, and an item begins wherever another kind does', async () => {
    const events = await askEvents(service, {}, async (chat) => {
      await chat.push({ type: 'reasoning-delta', text: 'Hm' })
      await chat.push({ type: 'reasoning-delta', text: 'm.' })
      await chat.say('Yes.')
      await chat.finish()
    })
    assert.deepEqual(typesOf(events).slice(2, 10), [
      'output_item.added',
      'content_part.added',
      'reasoning_text.delta',
      'reasoning_text.delta',
      'reasoning_text.done',
      'content_part.done',
      'output_item.done',
      'output_item.added',
    ])
    const [thought, message] = last(events).response.output
    assert.match(thought.id, /^rs_[0-9a-f]{32}_0$/)
    assert.match(message.id, /^msg_[0-9a-f]{32}_1$/)
    assert.deepEqual(thought.content, [{ type: 'reasoning_text', text: 'Hmm.' }])
    assert.deepEqual(thought.summary, [])
    assert.deepEqual(events[2].item, { ...thought, content: [], status: 'in_progress' })
  })

  it('tells thoughts as their summary where one was asked for', async () => {
    const events = await askEvents(service, { reasoning: { summary: 'auto' } }, async (chat) => {
      await chat.push({ type: 'reasoning-delta', text: 'Hmm.' })
      await answer(chat, 'Yes.')
    })
    assert.deepEqual(typesOf(events).slice(2, 8), [
      'output_item.added',
      'reasoning_summary_part.added',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done',
      'output_item.done',
    ])
    const [thought] = last(events).response.output
    assert.deepEqual(thought.summary, [{ type: 'summary_text', text: 'Hmm.' }])
    assert.equal(thought.content, undefined)
    assert.equal(events[4].summary_index, 0)
  })

  it('tells of calls with their arguments', async () => {
    const tools = [{ type: 'function', name: 'clock', parameters: { type: 'object' } }]
    const events = await askEvents(service, { tools }, async (chat) => {
      await chat.say('Let me see.')
      await chat.push({ type: 'tool-call', id: 'c1', name: 'clock', arguments: '{"zone":"UTC"}' })
      await chat.push({ type: 'tool-call', id: 'c2', name: 'clock', arguments: '{}' })
      await chat.finish('tool-calls')
    })
    assert.deepEqual(typesOf(events).slice(8), [
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
      'completed',
    ])
    const [, call] = last(events).response.output
    assert.deepEqual(events[8].item, { ...call, arguments: '', status: 'in_progress' })
    assert.equal(events[9].delta, '{"zone":"UTC"}')
    assert.deepEqual([events[10].name, events[10].arguments], ['clock', '{"zone":"UTC"}'])
    assert.deepEqual(events[11].item, call)
    assert.equal(call.status, 'completed')
  })

  it('has the log probabilities of each delta, and all of them at its end', async () => {
    const events = await askEvents(service, { top_logprobs: 1 }, async (chat) => {
      for (const text of ['a', 'é']) {
        const logprobs = [{ token: text, logprob: -0.5, top: [{ token: 'x', logprob: -1 }] }]
        await chat.push({ type: 'text-delta', text, logprobs })
      }
      await chat.finish()
    })
    assert.equal(events[4].logprobs[0].token, 'a')
    assert.deepEqual(events[5].logprobs, [
      {
        token: 'é',
        logprob: -0.5,
        bytes: [0xc3, 0xa9],
        top_logprobs: [{ token: 'x', logprob: -1, bytes: [120] }],
      },
    ])
    const [part] = last(events).response.output[0].content
    assert.deepEqual(
      part.logprobs.map(({ token }: Json) => token),
      ['a', 'é'],
    )
    assert.deepEqual(events[6].logprobs, part.logprobs)
  })

  for (const [reason, told] of [
    ['length', 'max_output_tokens'],
    ['content-filter', 'content_filter'],
  ] as const) {
    it(`that ends by ${reason} is incomplete, and so is its last item`, async () => {
      const events = await askEvents(service, {}, async (chat) => {
        await chat.say('One two')
        await chat.finish(reason)
      })
      const { type, response } = last(events)
      assert.equal(type, 'response.incomplete')
      assert.deepEqual(response.incomplete_details, { reason: told })
      assert.equal(response.completed_at, null)
      assert.equal(response.output[0].status, 'incomplete')
      assert.deepEqual(typesOf(events).slice(-4), [
        'output_text.done',
        'content_part.done',
        'output_item.done',
        'incomplete',
      ])
    })
  }

  it('that breaks off has failed: nothing is told to be done, and what came is in it', async () => {
    const events = await askEvents(service, {}, async (chat) => {
      await chat.say('Half a')
      chat.fail(new LmappError('engine-died', 'The engine died.'))
    })
    assert.deepEqual(typesOf(events).slice(-2), ['output_text.delta', 'failed'])
    const { response } = last(events)
    assert.equal(response.status, 'failed')
    assert.equal(response.error.code, 'server_error')
    assert.match(response.error.message, /^The engine died\. /)
    assert.equal(response.output[0].content[0].text, 'Half a')
    assert.equal(response.output[0].status, 'incomplete')
  })

  it('says before its first word, by the status, what is wrong', async () => {
    const asked = post(service, path, { input: 'Hello', stream: true })
    const chat = await service.backend.nextChat()
    chat.fail(new LmappError('context-overflow', 'It is too long.'))
    const { status, body } = await read(asked)
    assert.equal(status, 400)
    assert.equal(body.error.code, 'context_length_exceeded')
  })

  it('begins after a while although there is no word, and then says inside what is wrong', async () => {
    await using service = await startTestService({ heartbeatMs: 1 })
    const asked = post(service, path, { input: 'Hello', stream: true })
    const chat = await service.backend.nextChat()
    const events = readEvents(await asked)
    assert.equal((await events.next()).value.type, 'response.created')
    chat.fail(new LmappError('model-load-failed', 'It did not load.'))
    const rest = await Array.fromAsync(events)
    assert.deepEqual(typesOf(rest), ['in_progress', 'failed'])
    assert.equal(last(rest).response.error.code, 'server_error')
  })

  it('whose client leaves is cancelled, and kept as far as it came', async () => {
    const leaving = new AbortController()
    const asked = post(service, path, { input: 'Hello', stream: true }, { signal: leaving.signal })
    const chat = await service.backend.nextChat()
    await chat.say('One')
    const events = readEvents(await asked)
    const { value } = await events.next()
    while ((await events.next()).value.type !== 'response.output_text.delta');
    const run = service.app.runs.list('guest')[0]
    leaving.abort()
    await run?.ended
    let body: Json
    do ({ body } = await get(service, value.response.id))
    while (body.status === 'in_progress')
    assert.equal(body.status, 'cancelled')
    assert.equal(body.output[0].content[0].text, 'One')
    assert.equal(body.error.code, 'server_error')
  })

  it('that was asked to go on does so when its client leaves', async () => {
    const leaving = new AbortController()
    const asked = post(
      service,
      path,
      { input: 'Hello', stream: true },
      {
        signal: leaving.signal,
        headers: { 'x-lmapp-detach': 'on' },
      },
    )
    const chat = await service.backend.nextChat()
    await chat.say('One')
    const { value } = await readEvents(await asked).next()
    leaving.abort()
    const { id } = value.response
    const joined = readEvents(await fetch(`${service.address}${path}/${id}?stream=true`))
    await answer(chat, ' two')
    const events = await Array.fromAsync(joined)
    assert.equal(last(events).type, 'response.completed')
    assert.equal(last(events).response.output[0].content[0].text, 'One two')
  })

  it('waits for its turn, and says so', async () => {
    const events = await askEvents(service, {}, async (chat) => {
      await chat.push({ type: 'status', phase: 'queued' })
      await chat.push({ type: 'status', phase: 'prompt' })
      await answer(chat, 'Hi.')
    })
    assert.deepEqual(typesOf(events).slice(0, 4), ['created', 'queued', 'in_progress', 'output_item.added'])
    assert.equal(events[1].response.status, 'queued')
  })
})
