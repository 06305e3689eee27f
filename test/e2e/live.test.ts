/** An answer belongs to the service: clients come to it, and go, while it is being written. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ApiMessage, createClient, type LmappClient } from 'lmapp-client'
import { createSocketTransport } from 'lmapp-client/node'
import type { NumberedRunEvent } from 'lmapp-kit'
import { createHome, type Home, type Running, readText, toEvents, withMock } from '../support/home.ts'

const words = 'alpha beta gamma delta epsilon zeta eta theta iota kappa'
const models = {
  slow: { reply: words, repeatTokens: 80, paceMs: 25 },
  endless: { reply: words, repeatTokens: 4000, paceMs: 25 },
  secret: { reply: 'unrepeatable {question}', paceMs: 1 },
  echo: {},
}

describe('a live answer', () => {
  let home: Home
  let client: LmappClient

  before(async () => {
    home = await createHome(withMock(models))
    const { socket, tokenFile } = JSON.parse((await home.lmapp(['paths', '--json'])).stdout)
    await home.lmapp(['history', 'list'])
    const token = (await readText(tokenFile)).trim()
    client = createClient({ transport: createSocketTransport({ socketPath: socket, token }) })
  })
  after(() => home[Symbol.asyncDispose]())

  /** The command asks, and its run is found when the first words were printed. */
  const ask = async (model: string, ...more: string[]) => {
    const asking = home.start(['-m', `box/${model}`, '--json', ...more, 'Go on.'])
    await asking.untilStdout('"gamma "')
    const [run] = await client.listRuns()
    assert.ok(run)
    return { asking, run }
  }

  const answerOf = async (id: string): Promise<ApiMessage | undefined> =>
    (await client.getConversation(id)).messages.at(-1)

  describe('that a command asked for', () => {
    let asking: Running
    let printed: Record<string, unknown>[]
    let whole: NumberedRunEvent[]
    let joined: NumberedRunEvent[]
    let id: string

    before(async () => {
      const asked = await ask('slow')
      id = asked.run.id
      asking = asked.asking
      // Both are there before the end.
      const live = [Array.fromAsync(client.joinRun(id)), Array.fromAsync(client.joinRun(id, { from: 0 }))] as const
      ;[joined, whole] = await Promise.all(live)
      const { code, stdout, stderr } = await asking.ended
      assert.equal(code, 0, stderr)
      printed = toEvents(stdout)
    })

    it('is seen by a second client as the command shows it, event by event to the end', () => {
      assert.deepEqual(
        whole.map(({ event }) => event),
        printed,
      )
      assert.deepEqual(
        whole.map(({ seq }) => seq),
        whole.map((_, index) => index + 1),
      )
    })

    it('begins for who joins with all that was missed, and goes on without gap or repetition', async () => {
      const [first, ...rest] = joined
      assert.ok(first?.event.type === 'snapshot' && first.event.text.startsWith('alpha beta gamma '))
      assert.deepEqual(rest, whole.slice(first.seq))
      assert.ok(rest.length > 1, 'it was joined while it was written')
      assert.equal(first.event.text + textOf(rest), textOf(whole))
      const stored = await answerOf(first.event.message)
      assert.deepEqual([stored?.state, stored?.text], ['complete', textOf(whole)])
    })

    it('is replayed from any sequence number, after its end too', async () => {
      for (const from of [0, 7, whole.length - 1]) {
        assert.deepEqual(await Array.fromAsync(client.joinRun(id, { from })), whole.slice(from), `from ${from}`)
      }
      assert.deepEqual((await client.getRun(id)).end, whole.at(-1)?.event)
      assert.deepEqual(await client.listRuns(), [])
    })
  })

  it('is stopped by another client: the command exits 7, and what arrived is printed and kept', async () => {
    const { asking, run } = await ask('endless')
    const cancelled = await client.cancelRun(run.id)
    assert.equal(cancelled.state, 'stopped')
    const { code, stdout, stderr } = await asking.ended
    assert.equal(code, 7, stderr)
    const events = toEvents(stdout)
    assert.equal(events.at(-1)?.state, 'stopped')
    const stored = await answerOf(run.message)
    assert.deepEqual([stored?.state, stored?.text], ['stopped', printedText(events)])
    assert.match(stored?.text ?? '', /^alpha beta gamma /)
  })

  it('outlives the client that joined it and left', async () => {
    const { asking, run } = await ask('slow')
    for await (const { event } of client.joinRun(run.id)) {
      assert.equal(event.type, 'snapshot')
      break
    }
    assert.equal((await asking.ended).code, 0)
    assert.equal((await answerOf(run.message))?.state, 'complete')
  })

  it('is joined by `lmapp continue` from another process: one answer, which both show to its end', async () => {
    const { asking, run } = await ask('endless')
    const continuing = home.start(['continue', run.conversation ?? '', '--json'])
    await continuing.untilStdout('text-delta')
    await client.cancelRun(run.id)
    const [asked, continued] = await Promise.all([asking.ended, continuing.ended])
    assert.deepEqual([asked.code, continued.code], [7, 7], continued.stderr)
    const [shown, joined] = [toEvents(asked.stdout), toEvents(continued.stdout)]
    const [first] = joined
    assert.deepEqual([first?.type, first?.message], ['snapshot', run.message])
    assert.deepEqual(joined.at(-1), shown.at(-1))
    assert.equal(`${first?.text}${printedText(joined)}`, printedText(shown))
    const { messages } = await client.getConversation(run.conversation ?? '')
    assert.deepEqual(
      messages.map(({ role, state }) => [role, state]),
      [
        ['user', 'complete'],
        ['assistant', 'stopped'],
      ],
    )
  })

  it('without --json, `continue` prints only what is new', async () => {
    const { asking, run } = await ask('endless')
    await client.cancelRun(run.id)
    await asking.ended
    const before = (await answerOf(run.message))?.text ?? ''
    const continuing = home.start(['continue', run.message.slice(0, 23)])
    await continuing.untilStdout(/(\w+ ){3}/)
    continuing.process.kill('SIGINT')
    const { code, stdout } = await continuing.ended
    assert.equal(code, 130)
    const stored = await answerOf(run.message)
    assert.equal(stored?.text.trimEnd(), `${before}${stdout}`.trimEnd())
  })

  it('with --no-save leaves nothing behind, though it can be joined while it lasts', async () => {
    const before = await client.listConversations()
    const result = await home.lmapp(['-m', 'box/secret', '--no-save', '--json', 'zanzibar'])
    assert.equal(result.code, 0, result.stderr)
    const [start] = toEvents(result.stdout)
    assert.equal(start?.conversation, undefined)
    const events = await Array.fromAsync(client.joinRun(String(start?.run), { from: 0 }))
    assert.equal(textOf(events), 'unrepeatable zanzibar')
    assert.deepEqual(await client.listConversations(), before)
    assert.deepEqual(await client.search('zanzibar'), [])
    for (const file of await filesIn(home.dir)) {
      assert.ok(!(await readFile(file)).includes('zanzibar'), `${file} holds the question`)
    }
    const nothing = await home.lmapp(['continue', String(start?.message)])
    assert.equal(nothing.code, 2, nothing.stderr)
  })

  // The last one: the service is gone then.
  it('ends `stopped`, and is kept, when the service is stopped', async () => {
    const { asking, run } = await ask('endless')
    const stop = await home.lmapp(['service', 'stop'])
    assert.equal(stop.code, 0, stop.stderr)
    const { code, stdout } = await asking.ended
    assert.equal(code, 7)
    const events = toEvents(stdout)
    assert.equal(events.at(-1)?.state, 'stopped')
    const shown = await home.lmapp(['history', 'show', run.conversation ?? '', '--json'])
    const answer = JSON.parse(shown.stdout).messages.at(-1)
    assert.deepEqual([answer.state, answer.text], ['stopped', printedText(events)])
  })
})

describe('this terminal', () => {
  let home: Home
  before(async () => {
    home = await createHome(withMock({ turns: { reply: 'turn {turns}: {question}' } }, { model: 'box/turns' }))
  })
  after(() => home[Symbol.asyncDispose]())

  const ask = async (terminal: string, ...args: string[]) => {
    const result = await home.lmapp([...args, '--json'], { env: { LMAPP_TERMINAL: terminal } })
    assert.equal(result.code, 0, result.stderr)
    const events = toEvents(result.stdout)
    return { conversation: events[0]?.conversation, text: printedText(events) }
  }

  it('goes on by -c with its own conversation, not with another that was held since', async () => {
    const first = await ask('one', 'apples')
    const other = await ask('two', 'pears')
    assert.notEqual(other.conversation, first.conversation)
    const next = await ask('one', '-c', 'cherries')
    assert.equal(next.conversation, first.conversation)
    const { messages } = JSON.parse(
      (await home.lmapp(['history', 'show', String(first.conversation), '--json'])).stdout,
    )
    assert.deepEqual(
      messages.map(({ role, text }: { role: string; text: string }) => [role, text]),
      [
        ['user', 'apples'],
        ['assistant', first.text],
        ['user', 'cherries'],
        ['assistant', next.text],
      ],
    )
    assert.match(next.text, /: cherries$/)
    assert.notEqual(next.text.split(':')[0], first.text.split(':')[0], 'the model reads the turns before')
  })

  it('without -c begins anew, and -c then means that one', async () => {
    const fresh = await ask('one', 'plums')
    const next = await ask('one', '-c', 'figs')
    assert.equal(next.conversation, fresh.conversation)
  })

  it('in which nothing was said has nothing to go on with: exit 2, and nothing is asked', async () => {
    const env = { LMAPP_TERMINAL: 'three' }
    const results = [await home.lmapp(['-c', 'apples'], { env }), await home.lmapp(['continue'], { env })]
    for (const { code, stdout, stderr } of results) {
      assert.equal(code, 2, stderr)
      assert.equal(stdout, '')
      assert.match(stderr, /lmapp history list/)
    }
  })
})

function textOf(events: NumberedRunEvent[]): string {
  return events.map(({ event }) => (event.type === 'text-delta' ? event.text : '')).join('')
}

function printedText(events: Record<string, unknown>[]): string {
  return events.map(({ type, text }) => (type === 'text-delta' ? text : '')).join('')
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
