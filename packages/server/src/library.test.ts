import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { createClient, createFetchTransport } from 'lmapp-client'
import { isLmappError, LmappError } from 'lmapp-kit'
import { rawRequest } from './testing/raw-request.ts'
import { startTestService, type TestService } from './testing/test-app.ts'

/** Asks and has it answered at once. */
async function hold(service: TestService, question: string, answer: string, more: { terminal?: string } = {}) {
  const run = await service.client.createRun({ content: [{ type: 'text', text: question }], ...more })
  const dictate = await service.backend.nextChat()
  await dictate.say(answer)
  await dictate.finish()
  const events = await Array.fromAsync(run.events)
  const start = events[0]?.event
  assert.ok(start?.type === 'start' && start.conversation !== undefined)
  return { conversation: start.conversation, message: start.message }
}

test('conversations are listed, read, changed and deleted', async () => {
  await using service = await startTestService()
  const { client } = service
  const first = await hold(service, 'Why is the sky blue?', 'Rayleigh scattering.')
  const second = await hold(service, 'And the sea?', 'The same sky.')
  assert.deepEqual(
    (await client.listConversations()).map(({ id }) => id),
    [second.conversation, first.conversation],
  )
  assert.equal((await client.listConversations({ limit: 1 })).length, 1)
  const earlier = await client.listConversations({ before: second.conversation })
  assert.deepEqual(
    earlier.map(({ id }) => id),
    [first.conversation],
  )
  const read = await client.getConversation(first.message)
  assert.deepEqual(
    read.messages.map(({ role, text }) => [role, text]),
    [
      ['user', 'Why is the sky blue?'],
      ['assistant', 'Rayleigh scattering.'],
    ],
  )
  const question = read.messages[0]?.id ?? ''
  const changed = await client.patchConversation(first.conversation, { title: 'Sky', head: question, system: 'Short.' })
  assert.deepEqual([changed.title, changed.head, changed.system], ['Sky', question, 'Short.'])
  await client.deleteConversation(second.conversation)
  await assert.rejects(client.getConversation(second.conversation), (error) => isLmappError(error, 'not-found'))
})

test('by the id of a message a conversation is only read', async () => {
  await using service = await startTestService()
  const { conversation, message } = await hold(service, 'Why?', 'So.')
  await assert.rejects(service.client.deleteConversation(message), (error) => isLmappError(error, 'not-found'))
  await assert.rejects(
    service.client.patchConversation(message, { title: 'x' }),
    (error) => isLmappError(error, 'not-found') && error.details?.conversation === conversation,
  )
  await assert.rejects(service.client.patchConversation(conversation, { title: '' }), (error) =>
    isLmappError(error, 'bad-input'),
  )
})

test('words are found, and the last conversation of a terminal', async () => {
  await using service = await startTestService()
  const terminal = '/dev/pts/0 …:12?'
  const { conversation } = await hold(service, 'Why is the sky blue?', 'Rayleigh scattering.', { terminal })
  const hits = await service.client.search('rayleigh', { limit: 5 })
  assert.equal(hits[0]?.conversationId, conversation)
  assert.equal((await service.client.lastConversation(terminal)).id, conversation)
  await assert.rejects(service.client.lastConversation('other'), (error) => isLmappError(error, 'not-found'))
  await assert.rejects(service.client.search(''), (error) => isLmappError(error, 'bad-input'))
  await assert.rejects(service.client.search('x', { limit: 0 }), (error) => isLmappError(error, 'bad-input'))
})

test('models are listed, shown, resolved and removed', async () => {
  await using service = await startTestService()
  const { client } = service
  assert.equal((await client.listModels())[0]?.ref, 'dictated/tiny')
  assert.deepEqual(await client.listModels({ backend: 'none' }), [])
  assert.equal((await client.showModel('dictated/tiny')).name, 'tiny')
  await assert.rejects(client.showModel('a b/ü'), (error) => isLmappError(error, 'model-not-found'))
  assert.deepEqual(await client.resolveModel('tiny'), { refs: ['dictated/tiny'], notice: 'By its beginning.' })
  assert.deepEqual(await client.removeModel('dictated/tiny'), { ref: 'dictated/tiny', freedBytes: 7 })
})

test('a pull reports its progress until it is done', async () => {
  await using service = await startTestService()
  const progress = { type: 'progress' as const, status: 'fetching', progress: { done: 1, unit: 'bytes' as const } }
  const done = { type: 'done' as const, ref: 'embedded/tiny' }
  service.pull = async function* () {
    yield progress
    yield done
  }
  assert.deepEqual(await Array.fromAsync(service.client.pullModel({ model: 'tiny' })), [progress, done])
})

test('a pull that fails says why, before its first event and after it', async () => {
  await using service = await startTestService()
  const pull = () => Array.fromAsync(service.client.pullModel({ model: 'tiny', offline: true }))
  service.pull = async function* () {
    yield* []
    throw new LmappError('offline', 'No network.')
  }
  await assert.rejects(pull(), (error) => isLmappError(error, 'offline'))
  service.pull = async function* () {
    yield { type: 'progress', status: 'fetching' }
    throw new LmappError('disk-full', 'No room.')
  }
  await assert.rejects(pull(), (error) => isLmappError(error, 'disk-full'))
  service.pull = async function* () {}
  await assert.rejects(pull(), (error) => isLmappError(error, 'download-failed'))
  await assert.rejects(Array.fromAsync(service.client.pullModel({ model: '' })), (error) =>
    isLmappError(error, 'bad-input'),
  )
})

test('a client that leaves stops its pull', async () => {
  await using service = await startTestService()
  const stopped = Promise.withResolvers<void>()
  service.pull = async function* (signal) {
    yield { type: 'progress', status: 'fetching' }
    await once(signal, 'abort')
    stopped.resolve()
    throw new Error('aborted')
  }
  for await (const _ of service.client.pullModel({ model: 'tiny' })) break
  await stopped.promise
  assert.deepEqual(service.bugs, [])
})

test('a guest may pull where the configuration says so', async () => {
  await using service = await startTestService()
  const guest = createClient({ transport: createFetchTransport({ baseUrl: service.address }) })
  await assert.rejects(Array.fromAsync(guest.pullModel({ model: 'tiny' })), (error) => isLmappError(error, 'forbidden'))
  service.app.serve.allowPull = true
  const done = { type: 'done' as const, ref: 'embedded/tiny' }
  service.pull = async function* () {
    yield done
  }
  assert.deepEqual(await Array.fromAsync(guest.pullModel({ model: 'tiny' })), [done])
})

test('backends are listed and shown, and the tail of a log is read', async () => {
  await using service = await startTestService()
  const { client } = service
  assert.equal((await client.listBackends())[0]?.name, 'dictated')
  assert.equal((await client.showBackend('dictated')).models?.[0]?.id, 'tiny')
  assert.match(await client.backendLogs('dictated'), /one\ntwo\nthree/)
  assert.match(await client.backendLogs('dictated', { lines: 1 }), /^three\n?$/)
  assert.equal((await client.startBackend('dictated')).name, 'dictated')
  await assert.rejects(client.stopBackend('dictated'), (error) => isLmappError(error, 'not-owner'))
  await assert.rejects(client.startBackend('none'), (error) => isLmappError(error, 'not-found'))
  await assert.rejects(client.showBackend('none'), (error) => isLmappError(error, 'not-found'))
})

test('the service says how it does, and stops when it is asked to', async () => {
  await using service = await startTestService()
  assert.equal((await service.client.health()).version, '9.8.7')
  await service.client.stopService()
  await service.stopped
})

test('what nobody foresaw goes to the log and not to the client', async () => {
  await using service = await startTestService()
  const bug = new TypeError('secret of the inside')
  Object.assign(service.app, {
    health() {
      throw bug
    },
  })
  const answer = await rawRequest({ address: service.address, path: '/lmapp/v1/health' })
  assert.equal(answer.status, 500)
  assert.equal(answer.code, 'internal')
  assert.ok(!answer.text.includes('secret'))
  assert.deepEqual(service.bugs, [bug])
})
