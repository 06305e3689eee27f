import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LmappError } from 'lmapp-kit'
import type { CountTokens } from '../app.ts'
import { startTestService, type TestService } from '../testing/test-app.ts'
import type { ErrorBody } from './errors.ts'
import { hello, post } from './testing/exchange.ts'

const path = '/v1/messages/count_tokens?beta=true'

/** Has the app count so, and keeps what it was asked. */
function countAs(service: TestService, tokens: number, exact: boolean): CountTokens[] {
  const asked: CountTokens[] = []
  Object.assign(service.app, {
    async countTokens(_caller: unknown, request: CountTokens) {
      asked.push(request)
      return { model: 'dictated/tiny', tokens, exact }
    },
  })
  return asked
}

test('the whole prompt is counted, tools and system too, and nothing is asked of a model', async () => {
  await using service = await startTestService()
  const asked = countAs(service, 42, true)
  const { max_tokens: _none, ...prompt } = hello
  const response = await post(service, path, {
    ...prompt,
    system: 'Be brief.',
    thinking: { type: 'enabled', budget_tokens: 1024 },
    tool_choice: { type: 'auto' },
    tools: [{ name: 'clock', input_schema: { type: 'object' } }],
  })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('x-lmapp-warning'), null)
  assert.deepEqual(await response.json(), { input_tokens: 42 })
  assert.deepEqual(asked, [
    {
      model: 'dictated/tiny',
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
        { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
      ],
      tools: [{ name: 'clock', parameters: { type: 'object' } }],
    },
  ])
  assert.equal(service.app.health().activeRuns, 0)
})

test('an estimate says that it is one, and what was not counted is named', async () => {
  await using service = await startTestService()
  const asked = countAs(service, 40, false)
  const response = await post(service, path, { ...hello, tools: [{ type: 'web_search_ü', name: 'web_search' }] })
  assert.deepEqual(await response.json(), { input_tokens: 40 })
  assert.match(response.headers.get('x-lmapp-warning') ?? '', /"web_search_\?".*An estimate/)
  assert.equal(asked[0]?.tools, undefined)
})

test('what goes wrong is told in the shape of this API', async () => {
  await using service = await startTestService()
  const details = { name: 'sonnet' }
  Object.assign(service.app, {
    countTokens: () => Promise.reject(new LmappError('model-not-found', 'No model is called so.', { details })),
  })
  const response = await post(service, path, { ...hello, model: 'sonnet' })
  assert.equal(response.status, 404)
  const { error } = (await response.json()) as ErrorBody
  assert.equal(error.type, 'not_found_error')
  assert.match(error.message, /lmapp config set aliases\.sonnet backend\/model/)
  const wrong = await post(service, path, { model: 'x', messages: 'Hello' })
  assert.equal(wrong.status, 400)
})
