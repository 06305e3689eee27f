import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createId, openStore, type Store } from '@lmapp/core/store'
import type { Message } from 'lmapp-kit'
import { createConversationKeeper } from './conversation-keeper.ts'

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-keeper-'))
  const store = await openStore({ path: join(folder, 'history.db') })
  return {
    store,
    keeper: createConversationKeeper(store),
    list: () => store.listConversations({ owner: 'owner' }),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

const say = (role: Message['role'], text: string): Message => ({ role, content: [{ type: 'text', text }] })

/** As a run does it. */
async function answer(store: Store, question: string, text: string): Promise<void> {
  const { id } = await store.getConversation(question, 'owner')
  const runId = createId()
  await store.beginRun({
    runId,
    owner: 'owner',
    conversationId: id,
    answer: { kind: 'new', id: createId(), parentId: question },
    snapshot: { candidates: [], system: null, options: {}, request: {} },
  })
  await store.appendEvents(runId, 1, [{ type: 'text-delta', text }])
  await store.endRun({ runId, state: 'complete', model: 'box/tiny', usage: {}, timings: {} })
}

describe('what programs ask', () => {
  it('is kept with its system prompt, under the first words of its question', async () => {
    await using room = await open()
    const question = await room.keeper.keep(
      'editor',
      [say('system', 'Be brief.'), say('user', 'Why is it blue?')],
      'best',
    )
    const kept = await room.store.getConversation(question, 'owner')
    assert.equal(kept.title, 'Why is it blue?')
    assert.equal(kept.system, 'Be brief.')
    assert.equal(kept.model, 'best')
    assert.deepEqual(
      kept.messages.map(({ role, text }) => [role, text]),
      [['user', 'Why is it blue?']],
    )
  })

  it('goes on in the same conversation, below the answer that it brings back', async () => {
    await using room = await open()
    const first = [say('user', 'One?')]
    await answer(room.store, await room.keeper.keep('editor', first, undefined), 'Two.')
    const next = [...first, say('assistant', 'Two.'), say('user', 'Three?')]
    const question = await room.keeper.keep('editor', next, undefined)
    const { messages } = await room.store.getConversation(question, 'owner')
    assert.deepEqual(
      messages.map(({ role, text, model }) => [role, text, model]),
      [
        ['user', 'One?', null],
        ['assistant', 'Two.', 'box/tiny'],
        ['user', 'Three?', null],
      ],
    )
    assert.equal((await room.list()).length, 1)
  })

  it('becomes a branch where it says something else than before', async () => {
    await using room = await open()
    const first = [say('user', 'One?')]
    await answer(room.store, await room.keeper.keep('editor', first, undefined), 'Two.')
    await room.keeper.keep('editor', [...first, say('assistant', 'Changed.'), say('user', 'And?')], undefined)
    const [only, ...others] = await room.list()
    assert.deepEqual(others, [])
    const tree = await room.store.getConversation(only?.id ?? '', 'owner', { branches: true })
    assert.deepEqual(tree.messages.map(({ text }) => text).sort(), ['And?', 'Changed.', 'One?', 'Two.'])
  })

  it('begins anew where the owner has given the conversation other instructions, which are not told', async () => {
    await using room = await open()
    const first = [say('system', 'Be brief.'), say('user', 'One?')]
    const question = await room.keeper.keep('editor', first, undefined)
    await answer(room.store, question, 'Two.')
    const { id } = await room.store.getConversation(question, 'owner')
    await room.store.setSystem(id, 'What only the owner knows.', 'owner')
    const next = [...first, say('assistant', 'Two.'), say('user', 'Three?')]
    const kept = await room.store.getConversation(await room.keeper.keep('editor', next, undefined), 'owner')
    assert.notEqual(kept.id, id)
    assert.equal(kept.system, 'Be brief.')
    assert.deepEqual(
      kept.messages.map(({ text }) => text),
      ['One?', 'Two.', 'Three?'],
    )
  })

  it('is asked once more where it is the same', async () => {
    await using room = await open()
    const first = await room.keeper.keep('editor', [say('user', 'One?')], undefined)
    assert.equal(await room.keeper.keep('editor', [say('user', 'One?')], undefined), first)
  })

  it('is never mixed with what another program asks, nor with another system prompt', async () => {
    await using room = await open()
    await room.keeper.keep('editor', [say('user', 'One?')], undefined)
    await room.keeper.keep('agent', [say('user', 'One?')], undefined)
    await room.keeper.keep('agent', [say('system', 'Rhyme.'), say('user', 'One?')], undefined)
    assert.equal((await room.list()).length, 3)
  })

  it('begins anew where its conversation was deleted meanwhile', async () => {
    await using room = await open()
    const first = await room.keeper.keep('editor', [say('user', 'One?')], undefined)
    await room.store.deleteConversation((await room.store.getConversation(first, 'owner')).id, 'owner')
    const again = await room.keeper.keep('editor', [say('user', 'One?')], undefined)
    assert.equal((await room.store.getConversation(again, 'owner')).messages.length, 1)
  })

  it('keeps the calls of tools and their results', async () => {
    await using room = await open()
    const call: Message = {
      role: 'assistant',
      content: [{ type: 'tool-call', id: 'c1', name: 'clock', arguments: '{}' }],
    }
    const result: Message = {
      role: 'tool',
      content: [{ type: 'tool-result', id: 'c1', name: 'clock', text: 'noon' }],
    }
    const question = await room.keeper.keep('agent', [say('user', 'When?'), call, result], undefined)
    const { messages } = await room.store.getConversation(question, 'owner')
    assert.deepEqual(
      messages.map(({ role }) => role),
      ['user', 'assistant', 'tool'],
    )
    assert.deepEqual(
      messages.map(({ parts }) => parts[0]?.type),
      ['text', 'tool-call', 'tool-result'],
    )
  })
})
