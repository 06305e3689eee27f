import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Message } from 'lmapp-kit'
import { createId } from '../store/ids.ts'
import { openCore, toQuestion } from '../testing/open-core.ts'
import type { KeptPrompt, RunRequest } from './run.ts'

const content = [{ type: 'text' as const, text: 'One?' }]
const messages: Message[] = [
  { role: 'system', content: [{ type: 'text', text: 'Be brief.' }] },
  { role: 'user', content },
]

function toKept(more: Partial<KeptPrompt> = {}): KeptPrompt {
  return {
    conversation: createId(),
    newConversation: { title: 'One?', system: 'Be brief.', model: null },
    below: null,
    system: 'Be brief.',
    messages: [{ id: createId(), role: 'user', content, text: 'One?' }],
    ...more,
  }
}

function toRequest(kept: KeptPrompt, model: string): RunRequest {
  const { content: _, ...request } = toQuestion('', { messages, kept, model })
  return request
}

describe('a prompt that is kept where it stands', () => {
  it('is asked as the request says it, and stored with its answer below it', async () => {
    await using core = await openCore({ boxes: { box: { m: { reply: '{system}/{question}' } } } })
    const kept = toKept()
    const run = await core.runs.start(toRequest(kept, 'box/m'))
    assert.equal((await run.ended).state, 'complete')
    const { system, messages: path } = await core.store.getConversation(kept.conversation, 'owner')
    assert.equal(system, 'Be brief.')
    assert.deepEqual(
      path.map(({ role, text, state }) => [role, text, state]),
      [
        ['user', 'One?', 'complete'],
        ['assistant', 'Be brief./One?', 'complete'],
      ],
    )
  })

  it('waits for no other answer in its conversation', async () => {
    await using core = await openCore({ boxes: { box: { m: {}, stuck: { fault: { kind: 'hang' } } } } })
    const kept = toKept()
    const first = await core.runs.start(toRequest(kept, 'box/stuck'))
    const { newConversation: _, ...place } = kept
    const again = { ...place, below: kept.messages[0]?.id ?? '', messages: [] }
    const second = await core.runs.start(toRequest(again, 'box/m'))
    assert.equal((await second.ended).state, 'complete')
    assert.equal(first.state, 'running')
    await first.cancel()
    const { messages: tree } = await core.store.getConversation(kept.conversation, 'owner', { branches: true })
    assert.deepEqual(
      tree.map(({ state }) => state),
      ['complete', 'stopped', 'complete'],
    )
  })
})
