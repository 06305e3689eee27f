import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { type CreatedRun, createClient, createFetchTransport } from 'lmapp-client'
import { isLmappError, type NumberedRunEvent } from 'lmapp-kit'
import { jsonType, ownerHeaders, rawRequest } from './testing/raw-request.ts'
import { startTestService, type TestService } from './testing/test-app.ts'

const question = { content: [{ type: 'text' as const, text: 'Why?' }] }

/** Reads events until one fits, that one included. */
async function readUntil(
  events: AsyncIterator<NumberedRunEvent>,
  fits: (event: NumberedRunEvent['event']) => boolean,
): Promise<NumberedRunEvent[]> {
  const read: NumberedRunEvent[] = []
  for (;;) {
    const step = await events.next()
    if (step.done) assert.fail('the events ended too early')
    read.push(step.value)
    if (fits(step.value.event)) return read
  }
}

const isText = (text: string) => (event: NumberedRunEvent['event']) =>
  event.type === 'text-delta' && event.text === text
const isEnd = (event: NumberedRunEvent['event']) => event.type === 'end'

async function ask(
  service: TestService,
): Promise<CreatedRun & { dictate: Awaited<ReturnType<typeof service.backend.nextChat>> }> {
  const run = await service.client.createRun(question)
  return { ...run, dictate: await service.backend.nextChat() }
}

test('a question is answered event by event, from the start to the end', async () => {
  await using service = await startTestService()
  const { id, events, dictate } = await ask(service)
  const reader = events[Symbol.asyncIterator]()
  const [first] = await readUntil(reader, (event) => event.type === 'start')
  assert.equal(first?.seq, 1)
  assert.ok(first?.event.type === 'start' && first.event.run === id && first.event.conversation)
  await dictate.say('Because')
  await readUntil(reader, isText('Because'))
  await dictate.say(' 🙂')
  await dictate.finish()
  const rest = await readUntil(reader, isEnd)
  const end = rest.at(-1)?.event
  assert.ok(end?.type === 'end' && end.state === 'complete')
  assert.deepEqual(
    rest.map(({ seq }) => seq),
    rest.map((_, index) => index + (rest[0]?.seq ?? 0)),
  )
  assert.equal((await reader.next()).done, true)
})

test('a second client joins a live run: what was so far as a snapshot, then the same events', async () => {
  await using service = await startTestService()
  const { id, events, dictate } = await ask(service)
  const first = events[Symbol.asyncIterator]()
  await dictate.say('one')
  await readUntil(first, isText('one'))
  const second = service.connect().joinRun(id)[Symbol.asyncIterator]()
  const [snapshot] = await readUntil(second, () => true)
  assert.ok(snapshot?.event.type === 'snapshot' && snapshot.event.text === 'one' && snapshot.event.run === id)
  await dictate.say('two')
  await dictate.finish()
  assert.deepEqual(await readUntil(second, isEnd), await readUntil(first, isEnd))
})

test('a run is replayed after any number, while it runs and when it ended', async () => {
  await using service = await startTestService()
  const { id, events, dictate } = await ask(service)
  await dictate.say('a')
  await dictate.say('b')
  const live = Array.fromAsync(service.client.joinRun(id, { from: 0 }))
  await dictate.finish()
  const all = await Array.fromAsync(events)
  assert.deepEqual(await live, all)
  for (const from of [0, 1, all.length - 1]) {
    assert.deepEqual(await Array.fromAsync(service.client.joinRun(id, { from })), all.slice(from))
  }
  const again = await rawRequest({
    socketPath: service.socketPath,
    path: `/lmapp/v1/runs/${id}/events`,
    headers: { ...ownerHeaders(service.app.token), 'last-event-id': String(all.length - 1) },
  })
  assert.equal(again.headers['content-type'], 'text/event-stream; charset=utf-8')
  assert.equal(again.text, `id: ${all.length}\ndata: ${JSON.stringify(all.at(-1)?.event)}\n\n`)
  const [snapshot, ...after] = await Array.fromAsync(service.client.joinRun(id))
  assert.ok(snapshot?.event.type === 'snapshot' && snapshot.event.text === 'ab')
  assert.deepEqual(after, all.slice(-1))
})

test('without an event stream the run is only named, and can be looked at, listed and cancelled', async () => {
  await using service = await startTestService()
  const created = await rawRequest({
    socketPath: service.socketPath,
    method: 'POST',
    path: '/lmapp/v1/runs',
    headers: { ...ownerHeaders(service.app.token), ...jsonType },
    body: JSON.stringify(question),
  })
  assert.equal(created.status, 202)
  const run = JSON.parse(created.text)
  assert.equal(run.state, 'running')
  assert.equal((await service.client.getRun(run.id)).message, run.message)
  assert.deepEqual(
    (await service.client.listRuns()).map(({ id }) => id),
    [run.id],
  )
  const dictate = await service.backend.nextChat()
  await dictate.say('half')
  const cancelled = await service.client.cancelRun(run.id)
  assert.equal(cancelled.state, 'stopped')
  assert.equal(cancelled.end?.state, 'stopped')
  assert.deepEqual(await service.client.listRuns(), [])
  const stored = await service.client.getConversation(run.conversation)
  assert.equal(stored.messages.at(-1)?.text, 'half')
})

test('a client that leaves does not end the run, and frees its place', async () => {
  await using service = await startTestService()
  const { id, events, dictate } = await ask(service)
  await dictate.say('a')
  const left = once(service.activity, 'change')
  for await (const { event } of events) if (event.type === 'text-delta') break
  await left
  assert.equal(service.server.activeRequests, 0)
  await dictate.say('b')
  await dictate.finish()
  const [snapshot] = await Array.fromAsync(service.client.joinRun(id))
  assert.ok(snapshot?.event.type === 'snapshot' && snapshot.event.text === 'ab')
  assert.equal((await service.client.getRun(id)).state, 'complete')
})

test('a reader whose client left is told so', async () => {
  await using service = await startTestService()
  const freed = Promise.withResolvers<void>()
  const { get } = service.app.runs
  Object.assign(service.app.runs, {
    get(id: string, owner: string) {
      const run = get(id, owner)
      const events = async function* (options: { from?: number; signal?: AbortSignal }) {
        try {
          yield* run.events(options)
        } finally {
          freed.resolve()
        }
      }
      return Object.assign(Object.create(run), { id: run.id, events })
    },
  })
  const { id, dictate } = await ask(service)
  const controller = new AbortController()
  const joined = service.client.joinRun(id, { signal: controller.signal })[Symbol.asyncIterator]()
  await joined.next()
  const waiting = joined.next()
  controller.abort(new Error('closed the window'))
  await assert.rejects(waiting, /closed the window/)
  await freed.promise
  await dictate.finish()
})

test('with cancelOnDisconnect the run ends with its connection', async () => {
  await using service = await startTestService()
  const { id, events } = await service.client.createRun({ ...question, cancelOnDisconnect: true })
  const dictate = await service.backend.nextChat()
  await dictate.say('kept')
  for await (const { event } of events) if (event.type === 'text-delta') break
  const end = await service.app.runs.get(id, 'owner').ended
  assert.equal(end.state, 'stopped')
})

test('with cancelOnDisconnect a run that ended is left as it is', async () => {
  await using service = await startTestService()
  const { id, events } = await service.client.createRun({ ...question, cancelOnDisconnect: true })
  const dictate = await service.backend.nextChat()
  await dictate.say('all')
  await dictate.finish()
  await Array.fromAsync(events)
  assert.equal((await service.client.getRun(id)).state, 'complete')
})

test('cancelOnDisconnect needs an event stream', async () => {
  await using service = await startTestService()
  const refused = await rawRequest({
    socketPath: service.socketPath,
    method: 'POST',
    path: '/lmapp/v1/runs',
    headers: { ...ownerHeaders(service.app.token), ...jsonType },
    body: JSON.stringify({ ...question, cancelOnDisconnect: true }),
  })
  assert.equal(refused.code, 'bad-input')
  assert.match(refused.message ?? '', /cancelOnDisconnect/)
})

test('the failure of an engine is the end of the run, with its error', async () => {
  await using service = await startTestService()
  const { events, dictate } = await ask(service)
  await dictate.say('half')
  await dictate.finish('content-filter')
  const end = (await Array.fromAsync(events)).at(-1)?.event
  assert.ok(end?.type === 'end' && end.state === 'incomplete')
})

test('what is wrong with a request is refused before anything is stored', async () => {
  await using service = await startTestService()
  await assert.rejects(service.client.createRun({}), (error) => isLmappError(error, 'bad-input'))
  await assert.rejects(service.client.createRun({ ...question, conversation: 'f'.repeat(36) }), (error) =>
    isLmappError(error, 'not-found'),
  )
  await assert.rejects(service.client.getRun('nobody'), (error) => isLmappError(error, 'not-found'))
  await assert.rejects(service.client.joinRun('nobody')[Symbol.asyncIterator]().next(), (error) =>
    isLmappError(error, 'not-found'),
  )
  assert.deepEqual(await service.client.listConversations(), [])
})

test('a guest is answered, leaves no trace, and sees only the runs of guests', async () => {
  await using service = await startTestService()
  const guest = createClient({ transport: createFetchTransport({ baseUrl: service.address }) })
  const own = await ask(service)
  const run = await guest.createRun(question)
  const dictate = await service.backend.nextChat()
  await dictate.say('hello')
  const reader = run.events[Symbol.asyncIterator]()
  await readUntil(reader, isText('hello'))
  assert.equal((await guest.getRun(run.id)).conversation, undefined)
  await assert.rejects(guest.getRun(own.id), (error) => isLmappError(error, 'not-found'))
  await assert.rejects(guest.cancelRun(own.id), (error) => isLmappError(error, 'not-found'))
  await assert.rejects(service.client.getRun(run.id), (error) => isLmappError(error, 'not-found'))
  assert.equal((await guest.cancelRun(run.id)).state, 'stopped')
  await own.dictate.finish()
  assert.equal((await service.client.listConversations()).length, 1)
})

test('a guest may not use what needs a history', async () => {
  await using service = await startTestService()
  const guest = createClient({ transport: createFetchTransport({ baseUrl: service.address }) })
  const wishes = [
    { ...question, save: true },
    { ...question, conversation: 'c' },
    { ...question, terminal: 't' },
    { ...question, message: 'm' },
    { kind: 'retry' as const, message: 'm' },
  ]
  for (const wish of wishes) {
    await assert.rejects(
      guest.createRun(wish),
      (error) => isLmappError(error, 'forbidden') && /^Leave it out/.test(error.hint),
      JSON.stringify(wish),
    )
  }
})

test('a client that reads nothing holds up nobody else', async () => {
  await using service = await startTestService()
  const { id, events, dictate } = await ask(service)
  const lazy = connect(service.socketPath)
  const auth = Object.entries(ownerHeaders(service.app.token)).map(([name, value]) => `${name}: ${value}`)
  lazy.write(`GET /lmapp/v1/runs/${id}/events?from=0 HTTP/1.0\r\n${auth}\r\n\r\n`)
  await once(service.activity, 'change')
  const text = 'x'.repeat(50_000)
  const whole = Array.fromAsync(events)
  for (let count = 0; count < 100; count++) await dictate.say(text)
  await dictate.finish()
  assert.equal((await whole).filter(({ event }) => isText(text)(event)).length, 100)
  const left = once(service.activity, 'change')
  lazy.destroy()
  await left
})
