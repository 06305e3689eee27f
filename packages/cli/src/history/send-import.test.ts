import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import type { ImportConversation, ImportMessage } from 'lmapp-client'
import { openTestService, type TestService } from '../testing/test-service.ts'
import { createSender } from './send-import.ts'

let service: TestService

before(async () => {
  service = await openTestService({ echo: {} })
})
after(() => service[Symbol.asyncDispose]())

const createdAt = '2025-01-02T03:04:05.678Z'
const facts = { model: null, reason: null, error: null, usage: null, timings: null, createdAt }

/** A chain of questions, each of some size. */
function toChain(name: string, messages: number, characters: number): ImportConversation {
  const text = 'x'.repeat(characters)
  const list = Array.from({ length: messages }, (_, index): ImportMessage => {
    const parentId = index === 0 ? null : `${name}-m${index - 1}`
    const parts = [{ type: 'text', text } as const]
    return { ...facts, id: `${name}-m${index}`, parentId, role: 'user', text, parts, state: 'complete' }
  })
  const head = list.at(-1)?.id ?? null
  return {
    id: `${name}-c`,
    title: name,
    model: null,
    system: null,
    head,
    createdAt,
    updatedAt: createdAt,
    messages: list,
  }
}

it('sends many in batches, and one that is larger than a batch in pieces', async () => {
  const sender = createSender(service.client, 20_000)
  const chains = [toChain('aaaa', 2, 100), toChain('large', 30, 2_000), toChain('bbbb', 2, 100)]
  for (const chain of chains) assert.deepEqual(await sender.send(chain), [])
  assert.deepEqual(await sender.flush(), [])
  const { imported, ...others } = sender.totals
  assert.deepEqual(imported.sort(), ['aaaa-c', 'bbbb-c', 'large-c'])
  assert.deepEqual(others, { extended: [], present: [], messages: 34 })
  const large = await service.client.getConversation('large-c')
  assert.deepEqual([large.head, large.messages.length], ['large-m29', 30])
  const again = createSender(service.client, 20_000)
  for (const chain of chains) await again.send(chain)
  await again.flush()
  assert.deepEqual(again.totals.present.length, 3)
})

it('extends in pieces what was there', async () => {
  const short = toChain('grow', 10, 2_000)
  const first = createSender(service.client)
  await first.send(short)
  await first.flush()
  const sender = createSender(service.client, 10_000)
  await sender.send(toChain('grow', 30, 2_000))
  assert.deepEqual(sender.totals, { imported: [], extended: ['grow-c'], present: [], messages: 20 })
})

it('leaves out what the service refuses, in a batch and in pieces', async () => {
  const sender = createSender(service.client, 10_000)
  const wrong = { ...toChain('wrong', 2, 10), head: 'nowhere' }
  const largeWrong = { ...toChain('lwrong', 20, 2_000), head: 'nowhere' }
  assert.deepEqual(await sender.send(wrong), [])
  await sender.send(toChain('right', 2, 10))
  const refused = [...(await sender.send(largeWrong)), ...(await sender.flush())]
  assert.deepEqual(
    refused.map(({ where }) => where),
    ['conversation "wrong"', 'conversation "lwrong"'],
  )
  assert.ok(sender.totals.imported.includes('right-c'))
})

it('passes on what is no fault of a conversation', async () => {
  const failing = { ...service.client, importConversations: () => Promise.reject(new Error('gone')) }
  const sender = createSender(failing)
  await sender.send(toChain('cccc', 1, 1))
  await assert.rejects(sender.flush(), /gone/)
})
