import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findMismatches } from '@lmapp/core/structured'
import { LmappError } from 'lmapp-kit'
import type { JsonSchema } from '../../parse/fields.ts'
import { type Json, post, read } from '../testing/ask.ts'
import { responseRequest } from './request.ts'
import { deletedSchema, eventSchema, inputItemsSchema, inputTokensSchema, responseSchema } from './schemas.ts'
import { askEvents, askResponse, cancel, get, path, remove } from './testing/ask-response.ts'
import { openService } from './testing/open-service.ts'

async function assertAll(schema: JsonSchema, values: Json[]): Promise<void> {
  for (const value of values) assert.equal(typeof value, 'object')
  assert.deepEqual(await findMismatches({ type: 'array', items: schema }, values), [])
}

const tools = [{ type: 'function', name: 'clock', parameters: { type: 'object' } }]

test('what is answered is as the document says', async () => {
  await using service = await openService()
  const everything = { tools, tool_choice: 'auto', top_logprobs: 1, metadata: { a: 'b' }, instructions: 'x' }
  const events = [
    await askEvents(service, everything, async (chat) => {
      await chat.push({ type: 'status', phase: 'queued' })
      await chat.push({ type: 'reasoning-delta', text: 'Hm.' })
      await chat.push({
        type: 'text-delta',
        text: 'a',
        logprobs: [{ token: 'a', logprob: -1, top: [{ token: 'a', logprob: -1 }] }],
      })
      await chat.push({ type: 'tool-call', id: 'c1', name: 'clock', arguments: '{}' })
      await chat.finish('tool-calls')
    }),
    await askEvents(service, { reasoning: { summary: 'auto' } }, async (chat) => {
      await chat.push({ type: 'reasoning-delta', text: 'Hm.' })
      await chat.say('x')
      await chat.finish('length')
    }),
    await askEvents(service, {}, async (chat) => {
      await chat.say('x')
      chat.fail(new LmappError('engine-died', 'It died.'))
    }),
  ].flat()
  await assertAll(eventSchema, events)
  const { body } = await askResponse(service, everything)
  const background = post(service, path, {
    input: 'Hello',
    background: true,
    text: { format: { type: 'json_object' } },
  })
  await (await service.backend.nextChat()).say('{')
  const { body: begun } = await read(background)
  await assertAll(responseSchema, [
    body,
    begun,
    (await get(service, begun.id)).body,
    (await cancel(service, begun.id)).body,
  ])
  await assertAll(inputItemsSchema, [(await get(service, `${body.id}/input_items`)).body])
  await assertAll(deletedSchema, [(await remove(service, body.id)).body])
  await assertAll(inputTokensSchema, [(await read(post(service, `${path}/input_tokens`, { input: 'Hi' }))).body])
})

test('what is asked is as the document says, and what is not is refused by both', async () => {
  const schema = responseRequest.schema
  const good = [
    { input: 'Hi' },
    { input: [{ role: 'user', content: 'Hi' }], tools: [...tools, { type: 'web_search' }], tool_choice: 'none' },
    { input: [{ id: 'msg_1', type: 'item_reference' }], metadata: { a: 'b' }, previous_response_id: null },
    { input: [{ type: 'web_search_call' }], tool_choice: { type: 'function', name: 'clock' }, tools },
  ]
  for (const body of good) {
    assert.deepEqual(await findMismatches({ ...schema }, body), [])
    assert.ok(responseRequest(body, ''))
  }
  for (const body of [{}, { input: [] }, { input: 7 }, { input: 'Hi', temperature: 'x' }, { input: 'Hi', tools: {} }]) {
    assert.notDeepEqual(await findMismatches({ ...schema }, body), [])
    assert.throws(() => responseRequest(body, ''))
  }
})
