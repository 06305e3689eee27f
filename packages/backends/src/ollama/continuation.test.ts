import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ChatRequest, isLmappError } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { finish, open, user } from './testing/open-backend.ts'
import { type Answer, lines, ollamaRoutes, openReplay, type Routes, recorded } from './testing/replay-server.ts'

const model = 'smollm2:latest'
const request: ChatRequest = {
  model: 'smollm2',
  continue: true,
  messages: [user('Count.'), { role: 'assistant', content: [{ type: 'text', text: 'One, two' }] }],
}

const openTemplate = '{{ range .Messages }}{{ .Content }}{{ if not $last }}<|im_end|>{{ end }}{{ end }}'
const show = (more: Record<string, unknown>): Answer => ({
  body: JSON.stringify({ capabilities: ['completion'], template: openTemplate, ...more }),
})
const answer = (...pieces: string[]) =>
  lines(...pieces.map((content) => ({ message: { role: 'assistant', content }, done: false })), {
    message: { role: 'assistant', content: '' },
    done: true,
    done_reason: 'length',
  })

/** The greedy answer of the recording, and what follows its first half. */
const days = recorded('chat-days')
const pieces = days.body
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line).message.content)
  .filter((content: string) => content !== '')
const secondHalf = answer(...pieces.slice(pieces.length >> 1))

async function continueOver(routes: Routes, asked: ChatRequest = request) {
  await using replay = await openReplay(ollamaRoutes(routes))
  await using backend = open(replay)
  const outcome = await tryChat(backend.chat(asked))
  const shown = await backend.showModel?.(model)
  const chats = replay.requests.filter(({ route }) => route === 'POST /api/chat').map(({ body }) => body)
  return { ...outcome, shown, chats }
}

describe('continuing an answer', () => {
  it('is unsupported where the template closes the last message, without a trial', async () => {
    const { error, shown, chats } = await continueOver({})
    assert.ok(isLmappError(error, 'unsupported'))
    assert.equal(shown?.capabilities?.continue, 'no')
    assert.equal(chats.length, 0)
  })

  it('is unsupported where the trial starts a new answer, as the real engine does', async () => {
    const { error, shown, chats } = await continueOver({
      'POST /api/show': show({}),
      'POST /api/chat': [days, recorded('chat-continued')],
    })
    assert.ok(isLmappError(error, 'unsupported'))
    assert.equal(shown?.capabilities?.continue, 'no')
    assert.equal(chats.length, 2)
  })

  it('is tried once: its own greedy answer, cut between two tokens, then relied on', async () => {
    await using replay = await openReplay(
      ollamaRoutes({ 'POST /api/show': show({}), 'POST /api/chat': [days, secondHalf, answer(', three')] }),
    )
    await using backend = open(replay)
    assert.equal((await backend.showModel?.(model))?.capabilities?.continue, 'unknown')
    for (const trial of [true, false]) {
      const transcript = await readChat(backend.chat(request))
      assert.equal(transcript.text, ', three')
      assert.equal(finish(transcript).reason, 'length')
      assert.equal(
        transcript.statuses.some(({ message }) => message?.includes('trying')),
        trial,
      )
    }
    assert.equal((await backend.showModel?.(model))?.capabilities?.continue, 'yes')
    const [, second, third] = replay.requests.filter(({ route }) => route === 'POST /api/chat')
    assert.deepEqual(second?.body.messages, [
      { role: 'user', content: 'Name the days of the week in order.' },
      { role: 'assistant', content: pieces.slice(0, pieces.length >> 1).join('') },
    ])
    assert.deepEqual(third?.body.messages, [
      { role: 'user', content: 'Count.' },
      { role: 'assistant', content: 'One, two' },
    ])
  })

  it('is unsupported when the trial is too short to prove anything', async () => {
    const { error } = await continueOver({ 'POST /api/show': show({}), 'POST /api/chat': answer('No') })
    assert.ok(isLmappError(error, 'unsupported'))
  })

  it('is unsupported with a model that thinks first, and under a schema', async () => {
    const thinks = show({ capabilities: ['completion', 'thinking'] })
    assert.ok(isLmappError((await continueOver({ 'POST /api/show': thinks })).error, 'unsupported'))
    const underSchema = { ...request, schema: { type: 'object' } }
    assert.ok(isLmappError((await continueOver({ 'POST /api/show': show({}) }, underSchema)).error, 'unsupported'))
  })

  it('is tried where the template has one exchange only, or is unknown', async () => {
    for (const template of ['{{ .Prompt }} {{ .Response }}', undefined]) {
      const { error } = await continueOver({
        'POST /api/show': show({ template }),
        'POST /api/chat': [days, secondHalf, answer(', three')],
      })
      assert.equal(error, undefined)
    }
  })
})
