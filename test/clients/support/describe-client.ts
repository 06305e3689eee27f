/** One suite for all clients: what each must do against an engine that answers by script, and one that fails by script. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Ask, type Client, type ErrorTold, type Extra, type Subject } from './client.ts'
import { createRecorder, type Feature } from './results.ts'
import { begun, faultsBefore, faultsMidAnswer, openWorld, reply, type World } from './world.ts'

export type Check = (name: string, run: () => Promise<void>) => void

export function describeClient(subject: Subject): void {
  const recorder = createRecorder(subject)
  describe(`${subject.name} (${subject.registry})`, () => {
    let world: World
    let client: Client
    before(async () => {
      world = await openWorld()
      client = await subject.open(world.address)
    })
    after(async () => {
      await client[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
      recorder.write()
    })

    const feature = (name: Feature, run: (check: Check) => void, options: { concurrency?: number } = {}) => {
      describe(name, options, () => run(createCheck(name, subject, recorder)))
    }
    const sdk = subject.kind === 'sdk'
    const { stops } = subject
    const has = (extra: Extra) => subject.has.includes(extra)

    feature('chat', (check) => {
      check('gets the whole answer, why it ended, and what it cost', async () => {
        const said = await client.chat(ask('box/count'))
        assert.equal(said.text, reply)
        if (stops) assert.equal(said.stop, stops.end)
        if (sdk) assert.ok(Number(said.inputTokens) > 0 && said.outputTokens === 10, JSON.stringify(said))
      })
      check('brings the prompt there as it is', async () => {
        const prompt = 'Zwölf "Boxkämpfer"\n\tjagen 🦊 \\ über den Deich.'
        assert.equal((await client.chat({ model: 'box/echo', prompt })).text, prompt)
      })
      check('waits for a model that loads', async () => {
        assert.equal((await client.chat(ask('box/slow-load'))).text, reply)
      })
      if (!sdk) return
      check('is told that the length limit cut it', async () => {
        const said = await client.chat({ ...ask('box/count'), maxTokens: 4 })
        assert.equal(said.text.trim(), 'One two three four')
        if (stops) assert.equal(said.stop, stops.length)
      })
      if (has('models')) {
        check('lists the models', async () => {
          const ids = (await client.models?.()) ?? []
          for (const id of ['box/count', 'box/embedder']) assert.ok(ids.includes(id), ids.join(' '))
        })
      }
    })

    feature('stream', (check) => {
      check('gets the same answer piece by piece', async () => {
        const pieces: string[] = []
        const said = await client.stream(ask('box/count'), { onText: (text) => pieces.push(text) })
        assert.equal(pieces.join(''), reply)
        assert.equal(said.text, reply)
        assert.ok(pieces.filter(Boolean).length > 3, `${pieces.length} pieces`)
        if (stops) assert.equal(said.stop, stops.end)
        if (sdk) assert.equal(said.outputTokens, 10)
      })
      check('waits for a model that loads', async () => {
        assert.equal((await client.stream(ask('box/slow-load'), {})).text, reply)
      })
      if (!sdk) return
      check('is told that the length limit cut it', async () => {
        const said = await client.stream({ ...ask('box/count'), maxTokens: 4 }, {})
        assert.equal(said.text.trim(), 'One two three four')
        if (stops) assert.equal(said.stop, stops.length)
      })
    })

    if (has('tools')) feature('tools', (check) => {
      for (const stream of [false, true]) {
        check(stream ? 'a round with streams' : 'a round with whole answers', async () => {
          const round = await client.tools?.(ask('box/weather'), { stream })
          assert.ok(round)
          assert.equal(round.name, 'get_weather')
          assert.deepEqual(round.arguments, { city: 'Paris' })
          if (stops) assert.equal(round.stop, stops.tools)
          assert.equal(round.answer, 'Take an umbrella.')
        })
      }
    })

    if (has('schema')) feature('schema', (check) => {
      check('an object as the schema says', async () => {
        const { mood, score, ...more } = (await client.schema?.(ask('box/count'))) as Record<string, unknown>
        assert.ok(mood === 'happy' && Number.isInteger(score), `${mood}, ${score}`)
        assert.deepEqual(more, {})
      })
    })

    if (has('embed')) feature('embeddings', (check) => {
      check('a vector for each text, the same for the same', async () => {
        const vectors = await client.embed?.('box/embedder', ['a cat', 'a dog', 'a cat'])
        assert.ok(vectors)
        assert.deepEqual(
          vectors.map(({ length }) => length),
          [8, 8, 8],
        )
        assert.deepEqual(vectors[0], vectors[2])
        assert.notDeepEqual(vectors[0], vectors[1])
      })
    })

    if (has('count')) feature('count tokens', (check) => {
      check('as many as the answer to it says', async () => {
        const counted = await client.count?.(ask('box/count'))
        assert.equal(counted, (await client.chat(ask('box/count'))).inputTokens)
      })
    })

    feature('cancel', (check) => {
      check('leaving a stream ends the run', async () => {
        const leaving = new AbortController()
        const started = Promise.withResolvers<void>()
        const ended = client
          .stream(ask('box/endless'), { onText: (text) => text && started.resolve(), signal: leaving.signal })
          .then(() => undefined, (error: unknown) => error)
        await Promise.race([started.promise, ended.then((error) => Promise.reject(error ?? new Error('It ended.')))])
        await world.untilRunning(1)
        leaving.abort()
        await world.untilRunning(0)
        await ended
      })
      if (!has('leaveChat')) return
      check('leaving before the first word ends the run', async () => {
        const leaving = new AbortController()
        const ended = client.leaveChat?.(ask('box/silent'), leaving.signal).then(() => undefined, () => undefined)
        await world.untilRunning(1)
        leaving.abort()
        await world.untilRunning(0)
        await ended
      })
    })

    feature('errors', (check) => {
      const rejected = async (asked: Promise<unknown> | undefined) => told(client, asked)
      check('a model that nobody has', async () => {
        assertOwn(await rejected(client.chat(ask('box/coumt'))), { status: 404, says: /coumt/ })
        assertOwn(await rejected(client.stream(ask('box/coumt'), {})), { status: 404, says: /coumt/ })
      })
      if (!sdk) return
      check('a prompt that does not fit', async () => {
        const prompt = 'word '.repeat(100)
        assertOwn(await rejected(client.chat({ model: 'box/tiny', prompt })), { status: 400, says: /16/ })
      })
      if (has('wrongField')) {
        check('a field of the wrong type', async () => {
          assertOwn(await rejected(client.wrongField?.('box/count')), { status: 400, says: /temperature/ })
        })
      }
      if (has('tools')) {
        check('tools for a model that has none', async () => {
          assertOwn(await rejected(client.tools?.(ask('box/count'), { stream: false })), { status: 400 })
        })
      }
      if (has('embed')) {
        check('a vector of a model that makes none', async () => {
          assertOwn(await rejected(client.embed?.('box/count', ['a cat'])), { status: 400 })
        })
      }
      if (has('retries')) {
        check('its own second try succeeds where the fault has passed', async () => {
          assert.equal((await client.chat({ ...ask('faulty/passing'), retries: 1 })).text, reply)
        })
      }
    })

    feature('faults before the answer', (check) => {
      for (const fault of faultsBefore) {
        check(`${fault}, whole`, async () => assertOwn(await told(client, client.chat(ask(`faulty/${fault}`))), { status: 500 }))
        check(`${fault}, streamed`, async () => {
          const pieces: string[] = []
          const asked = client.stream(ask(`faulty/${fault}`), { onText: (text) => pieces.push(text) })
          assertOwn(await told(client, asked), { status: 500 })
          assert.equal(pieces.join(''), '')
        })
      }
    }, { concurrency: 6 })

    feature('faults in mid-answer', (check) => {
      for (const fault of faultsMidAnswer) {
        check(`${fault}, whole`, async () => assertOwn(await told(client, client.chat(ask(`faulty/${fault}`))), { status: 500 }))
        check(`${fault}, streamed`, async () => {
          const pieces: string[] = []
          const asked = client.stream(ask(`faulty/${fault}`), { onText: (text) => pieces.push(text) })
          assertOwn(await told(client, asked), {})
          assert.equal(pieces.join(''), begun)
        })
      }
      if (!sdk) return
      check('the service is killed, streamed', async () => {
        const doomed = await openWorld()
        const other = await subject.open(doomed.address)
        try {
          const pieces: string[] = []
          const asked = other.stream(ask('faulty/crash'), { onText: (text) => pieces.push(text) })
          // Nobody is left who could say anything in its words.
          await assert.rejects(asked)
          assert.ok(begun.startsWith(pieces.join('')))
        } finally {
          await other[Symbol.asyncDispose]()
          await doomed[Symbol.asyncDispose]()
        }
      })
    }, { concurrency: 6 })
  })
}

/** Runs a case and records it. What is known not to work must not work. */
export function createCheck(feature: Feature, subject: Subject, recorder: ReturnType<typeof createRecorder>): Check {
  return (name, run) => {
    const reason = subject.shortcomings?.[`${feature}: ${name}`]
    if (reason === undefined) {
      it(name, async () => {
        let outcome: 'passed' | 'failed' = 'failed'
        try {
          await run()
          outcome = 'passed'
        } finally {
          recorder.take(feature, outcome)
        }
      })
      return
    }
    it(`${name}: the client cannot (${reason})`, async () => {
      recorder.take(feature, 'failed', `${name}: ${reason}`)
      await assert.rejects(run(), 'It can: take it out of the shortcomings.')
    })
  }
}

function ask(model: string): Ask {
  return { model, prompt: 'Count to ten.' }
}

/** What the client tells of a request that must fail. */
async function told(client: Client, asked: Promise<unknown> | undefined): Promise<ErrorTold> {
  let answer: unknown
  try {
    answer = await asked
  } catch (error) {
    return client.describeError(error)
  }
  assert.fail(`It was taken for a success: ${JSON.stringify(answer)}`)
}

/** `status`: this one, or for 500 any of that hundred; clients that know none of it are not asked. */
function assertOwn(error: ErrorTold, { status, says }: { status?: number; says?: RegExp }): void {
  assert.ok(error.own, `${error.name}: ${error.message}`)
  if (status !== undefined && error.status !== undefined) {
    if (status === 500) assert.ok(error.status >= 500, `${error.status}: ${error.message}`)
    else assert.equal(error.status, status, error.message)
  }
  if (says) assert.match(error.message, says)
}
