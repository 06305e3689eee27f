import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createHome, type Home, toEvents, withMock } from '../support/home.ts'

const reply = 'One two three four five six seven eight nine ten.'

/** What each fault of an engine comes to: the exit code, the state that is stored, what is printed and kept. */
const cases = [
  { fault: 'refuse', code: 3, state: 'failed', error: 'backend-refused', text: '' },
  { fault: 'fail-at-once', code: 5, state: 'failed', error: 'engine-failed', text: '' },
  { fault: 'drop', code: 7, state: 'incomplete', text: 'One two three ' },
  { fault: 'clean-end', code: 7, state: 'incomplete', error: 'stream-incomplete', text: 'One two three ' },
  { fault: 'error', code: 7, state: 'incomplete', text: 'One two three ' },
  { fault: 'malformed', code: 7, state: 'incomplete', error: 'stream-malformed', text: 'One two three ' },
  { fault: 'stall', code: 8, state: 'incomplete', error: 'stalled', text: 'One two three ' },
  { fault: 'hang', code: 8, state: 'failed', error: 'stalled', text: '' },
] as const

const models = {
  ...Object.fromEntries(cases.map(({ fault }) => [fault, { reply, fault: { kind: fault, afterTokens: 3 } }])),
  small: { reply, contextLength: 16 },
  empty: { reply: '' },
  short: { reply, repeatTokens: 200 },
  broken: { reply, load: { steps: 3, stepMs: 1, fail: true } },
}

describe('an engine that fails', () => {
  let home: Home
  before(async () => {
    home = await createHome(withMock(models, { timeouts: { connectMs: 1000, stallMs: 400, loadMs: 400 } }))
  })
  after(() => home[Symbol.asyncDispose]())

  for (const { fault, code, state, text, ...expected } of cases) {
    it(`${fault}: exit ${code}, ${state}, and what arrived is printed and kept`, async () => {
      const result = await home.lmapp(['-m', `box/${fault}`, '--json', 'Count.'])
      const events = toEvents(result.stdout)
      const end = events.at(-1) as { type: string; state: string; error: { code: string; hint: string } }
      assert.equal(result.code, code, result.stderr)
      assert.equal(end.type, 'end')
      assert.equal(end.state, state)
      if ('error' in expected) assert.equal(end.error.code, expected.error)
      assert.ok(end.error.hint.length > 0)
      const printed = events.filter(({ type }) => type === 'text-delta').map((event) => event.text)
      assert.equal(printed.join(''), text)
      const start = events[0] as { conversation: string; message: string }
      const shown = JSON.parse((await home.lmapp(['history', 'show', start.conversation, '--json'])).stdout)
      assert.deepEqual(
        shown.messages.map((message: { role: string; text: string; state: string }) => [
          message.role,
          message.text,
          message.state,
        ]),
        [
          ['user', 'Count.', 'complete'],
          ['assistant', text, state],
        ],
      )
    })
  }

  it('says it in words, with the next command, and nothing of it on stdout', async () => {
    const result = await home.lmapp(['-m', 'box/drop', 'Count.'])
    assert.equal(result.code, 7)
    assert.equal(result.stdout, 'One two three \n')
    assert.match(result.stderr, /lmapp: /)
    assert.match(result.stderr, /lmapp continue/)
  })

  it('a model that does not load: exit 5', async () => {
    const result = await home.lmapp(['-m', 'box/broken', 'Count.'])
    assert.equal(result.code, 5, result.stderr)
    assert.equal(result.stdout, '')
  })

  it('a prompt that does not fit the context: exit 6, before anything is sent', async () => {
    const result = await home.lmapp(['-m', 'box/small', 'word '.repeat(100)])
    assert.equal(result.code, 6, result.stderr)
  })

  it('an answer that ends properly but empty: exit 7, failed', async () => {
    const result = await home.lmapp(['-m', 'box/empty', '--json', 'Count.'])
    const end = toEvents(result.stdout).at(-1) as { state: string; error: { code: string } }
    assert.equal(result.code, 7)
    assert.equal(end.state, 'failed')
    assert.equal(end.error.code, 'answer-empty')
  })

  it('an answer cut by the length limit: exit 10, and stderr says so', async () => {
    const result = await home.lmapp(['-m', 'box/short', '-o', 'max_tokens=4', 'Count.'])
    assert.equal(result.code, 10)
    assert.equal(result.stdout.trim(), 'One two three four')
    assert.match(result.stderr, /lmapp continue/)
  })

  it('a model that nobody has: exit 4, and the nearest are named', async () => {
    const result = await home.lmapp(['-m', 'drup', 'Count.'])
    assert.equal(result.code, 4, result.stderr)
    assert.match(result.stderr, /Did you mean "drop"/)
  })

  it('no backend at all: exit 3, and the way out is named', async () => {
    await using nobody = await createHome()
    const result = await nobody.lmapp(['Count.'])
    assert.equal(result.code, 3, result.stderr)
    assert.match(result.stderr, /lmapp doctor/)
  })
})
