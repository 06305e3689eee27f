import assert from 'node:assert/strict'
import { it } from 'node:test'
import { readChat } from 'lmapp-kit/testkit'
import { mockBackendType } from './index.ts'

const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hi.' }] }]

it('answers by the script in its configuration', async () => {
  await using backend = mockBackendType.create({ config: { models: { polite: { reply: 'Thank you.' } } } })
  await backend.start()
  assert.equal((await readChat(backend.chat({ model: 'polite', messages }))).text, 'Thank you.')
})

it('has the default models when none are configured', async () => {
  await using backend = mockBackendType.create({ config: {} })
  await backend.start()
  assert.equal((await readChat(backend.chat({ model: 'echo', messages }))).text, 'Hi.')
})

it('takes how it starts from its configuration', async () => {
  await using backend = mockBackendType.create({ config: { config: { startFails: true } } })
  await assert.rejects(backend.start(), { code: 'backend-start-failed' })
})

it('refuses a script that it cannot read', () => {
  assert.throws(() => mockBackendType.create({ config: { models: { polite: { repyl: '' } } } }), {
    code: 'config-invalid',
  })
})
