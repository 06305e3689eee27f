import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { KeptPrompt } from '@lmapp/core/runs'
import { createId, openStore, type Store } from '@lmapp/core/store'
import { LmappError, type Message } from 'lmapp-kit'
import { createConversationKeeper } from './conversation-keeper.ts'

async function open() {
  const folder = await mkdtemp(join(tmpdir(), 'lmapp-keeper-'))
  const store = await openStore({ path: join(folder, 'history.db') })
  const keeper = createConversationKeeper(store)
  return {
    store,
    /** Asks, as a run does it; resolves to the id of the question. */
    keep: (asker: string, messages: Message[], model?: string) =>
      keeper.keep({ asker, messages, model }, (prompt) => begin(store, prompt)),
    list: () => store.listConversations({ owner: 'owner' }),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

const say = (role: Message['role'], text: string): Message => ({ role, content: [{ type: 'text', text }] })

const toRun = (conversationId: string, parentId?: string) => ({
  ...{ runId: createId(), owner: 'owner', conversationId },
  answer: { kind: 'new' as const, id: createId(), ...(parentId !== undefined && { parentId }) },
  snapshot: { candidates: [], system: null, options: {}, request: {} },
})

async function begin(store: Store, prompt: KeptPrompt): Promise<string> {
  const { conversation, newConversation, ...path } = prompt
  await store.beginRun({ ...toRun(conversation), path, ...(newConversation && { newConversation }) })
  return path.messages.at(-1)?.id ?? path.below ?? ''
}

/** Another answer to a question. */
async function answer(store: Store, question: string, text: string): Promise<void> {
  const { id } = await store.getConversation(question, 'owner')
  const run = toRun(id, question)
  await store.beginRun(run)
  const rest = { fromSeq: 1, events: [{ type: 'text-delta' as const, text }] }
  await store.endRun({ runId: run.runId, rest, state: 'complete', model: 'box/tiny', usage: {}, timings: {} })
}

describe('what programs ask', () => {
  it('is kept with its system prompt, under the first words of its question', async () => {
    await using room = await open()
    const question = await room.keep('editor', [say('system', 'Be brief.'), say('user', 'Why is it blue?')], 'best')
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
    await answer(room.store, await room.keep('editor', first), 'Two.')
    const next = [...first, say('assistant', 'Two.'), say('user', 'Three?')]
    const question = await room.keep('editor', next)
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
    await answer(room.store, await room.keep('editor', first), 'Two.')
    await room.keep('editor', [...first, say('assistant', 'Changed.'), say('user', 'And?')])
    const [only, ...others] = await room.list()
    assert.deepEqual(others, [])
    const tree = await room.store.getConversation(only?.id ?? '', 'owner', { branches: true })
    const texts = tree.messages.map(({ text }) => text).filter((text) => text !== '')
    assert.deepEqual(texts.sort(), ['And?', 'Changed.', 'One?', 'Two.'])
  })

  it('is asked once more where it is the same', async () => {
    await using room = await open()
    const first = await room.keep('editor', [say('user', 'One?')])
    assert.equal(await room.keep('editor', [say('user', 'One?')]), first)
  })

  it('is never mixed with what another program asks, nor with another system prompt', async () => {
    await using room = await open()
    await room.keep('editor', [say('user', 'One?')])
    await room.keep('agent', [say('user', 'One?')])
    await room.keep('agent', [say('system', 'Rhyme.'), say('user', 'One?')])
    assert.equal((await room.list()).length, 3)
  })

  it('begins anew where its conversation was deleted meanwhile', async () => {
    await using room = await open()
    const first = await room.keep('editor', [say('user', 'One?')])
    await room.store.deleteConversation((await room.store.getConversation(first, 'owner')).id, 'owner')
    const again = await room.keep('editor', [say('user', 'One?')])
    assert.equal((await room.store.getConversation(again, 'owner')).messages.length, 1)
    await room.store.deleteConversation((await room.store.getConversation(again, 'owner')).id, 'owner')
    const longer = [say('user', 'One?'), say('assistant', 'Two.'), say('user', 'Three?')]
    const third = await room.keep('editor', longer)
    assert.equal((await room.store.getConversation(third, 'owner')).messages.length, 3)
  })

  it('begins anew where the owner has given the conversation other instructions, which are not told', async () => {
    await using room = await open()
    const first = [say('system', 'Be brief.'), say('user', 'One?')]
    const question = await room.keep('editor', first)
    await answer(room.store, question, 'Two.')
    const { id } = await room.store.getConversation(question, 'owner')
    await room.store.setSystem(id, 'What only the owner knows.', 'owner')
    const next = [...first, say('assistant', 'Two.'), say('user', 'Three?')]
    const kept = await room.store.getConversation(await room.keep('editor', next), 'owner')
    assert.notEqual(kept.id, id)
    assert.equal(kept.system, 'Be brief.')
    assert.deepEqual(
      kept.messages.map(({ text }) => text),
      ['One?', 'Two.', 'Three?'],
    )
  })

  it('is asked once more where it is the same', async () => {
    await using room = await open()
    const first = await room.keep('editor', [say('user', 'One?')])
    assert.equal(await room.keep('editor', [say('user', 'One?')]), first)
  })

  it('is never mixed with what another program asks, nor with another system prompt', async () => {
    await using room = await open()
    await room.keep('editor', [say('user', 'One?')])
    await room.keep('agent', [say('user', 'One?')])
    await room.keep('agent', [say('system', 'Rhyme.'), say('user', 'One?')])
    assert.equal((await room.list()).length, 3)
  })

  it('begins anew where its conversation was deleted meanwhile', async () => {
    await using room = await open()
    const first = await room.keep('editor', [say('user', 'One?')])
    await room.store.deleteConversation((await room.store.getConversation(first, 'owner')).id, 'owner')
    const again = await room.keep('editor', [say('user', 'One?')])
    assert.equal((await room.store.getConversation(again, 'owner')).messages.length, 1)
  })

  it('is not taken for kept where the store refused it', async () => {
    await using room = await open()
    const keeper = createConversationKeeper(room.store)
    const asked = { asker: 'editor', messages: [say('user', 'One?')], model: undefined }
    const refusal = new LmappError('disk-full', 'No room.')
    await assert.rejects(
      keeper.keep(asked, () => Promise.reject(refusal)),
      refusal,
    )
    const question = await keeper.keep(asked, (prompt) => begin(room.store, prompt))
    await assert.rejects(
      keeper.keep(asked, () => Promise.reject(refusal)),
      refusal,
    )
    assert.equal(await keeper.keep(asked, (prompt) => begin(room.store, prompt)), question)
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
    const question = await room.keep('agent', [say('user', 'When?'), call, result])
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
