import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { type BeginRun, openStore } from './index.ts'
import { converse, createFolder, openTemporary, owner, toAsk, toContinue } from './testing/temporary-store.ts'

/** Begins a run, brings some text, says so and goes on until it is killed. */
const program = `
  import { openStore } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
  const [file, run, text] = process.argv.slice(2)
  const ask = JSON.parse(run)
  const store = await openStore({ path: file })
  await store.beginRun(ask)
  await store.recordAttempt(ask.runId, { number: 1, backend: 'box1', model: 'tiny', outcome: 'running' })
  await store.appendEvents(ask.runId, 1, [{ type: 'text-delta', text }])
  process.stdout.write('written')`

async function killInTheMiddle(file: string, run: BeginRun, text: string): Promise<void> {
  const path = join(dirname(dirname(file)), 'writer.mjs')
  await writeFile(path, program)
  const child = spawn(process.execPath, ['--conditions=lmapp-source', path, file, JSON.stringify(run), text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  child.stdout.once('data', () => child.kill('SIGKILL'))
  const [, signal] = await once(child, 'close')
  assert.equal(signal, 'SIGKILL')
}

test('after kill -9 in the middle of an answer the question is there, and the answer as far as it came', async () => {
  await using folder = await createFolder()
  const ask = toAsk('Why is the sky blue?')
  await killInTheMiddle(folder.file, ask, 'Because of')
  await using store = await openStore({ path: folder.file })
  assert.equal(store.setAside, undefined)
  assert.equal(await store.recoverCrashed(), 1)
  assert.equal(await store.recoverCrashed(), 0)
  const conversation = await store.getConversation(ask.conversationId, owner)
  const [question, answer] = conversation.messages
  assert.equal(question?.text, 'Why is the sky blue?')
  assert.deepEqual([answer?.state, answer?.text, answer?.model], ['crashed', 'Because of', 'box1/tiny'])
  assert.equal(answer?.error?.code, 'run-crashed')
  assert.equal((await store.search('because', { owner })).length, 1)
})

/** Asks many things at a time, and says of each when it is stored. */
const crowd = `
  import { writeSync } from 'node:fs'
  import { createId, openStore } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)}
  const store = await openStore({ path: process.argv[2] })
  const snapshot = { candidates: ['mock/tiny'], system: null, options: {}, request: {} }
  const ask = async (n) => {
    const [runId, conversationId, answer] = [createId(), createId(), createId()]
    const text = 'Question ' + n
    await store.beginRun({
      ...{ runId, owner: 'owner', conversationId, snapshot, answer: { kind: 'new', id: answer } },
      newConversation: { title: text, system: null, model: null },
      question: { id: createId(), content: [{ type: 'text', text }], text },
    })
    writeSync(1, 'begun ' + answer + '\\n')
    const rest = { fromSeq: 1, events: [{ type: 'text-delta', text: 'Answer ' + n }] }
    await store.endRun({ runId, rest, state: 'complete', model: 'mock/tiny', usage: {}, timings: {} })
    writeSync(1, 'ended ' + answer + '\\n')
  }
  await Promise.all(Array.from({ length: 16 }, async () => { for (let n = 0; ; n += 1) await ask(n) }))`

test('after kill -9 in the middle of many answers all questions that were acknowledged are there, and all ends', async () => {
  for (const most of [1, 40, 200]) {
    await using folder = await createFolder()
    const path = join(folder.path, 'crowd.mjs')
    await writeFile(path, crowd)
    const child = spawn(process.execPath, ['--conditions=lmapp-source', path, folder.file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let told = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text
      if (told.split('\n').length > most) child.kill('SIGKILL')
    })
    const [, signal] = await once(child, 'close')
    assert.equal(signal, 'SIGKILL')
    await using store = await openStore({ path: folder.file })
    assert.equal(store.setAside, undefined)
    await store.recoverCrashed()
    const lines = told.split('\n').slice(0, -1)
    assert.ok(lines.length >= most)
    for (const line of lines) {
      const [what, id = ''] = line.split(' ')
      const [question, answer] = (await store.getConversation(id, owner)).messages
      assert.match(question?.text ?? '', /^Question \d+$/)
      assert.equal(answer?.id, id)
      if (what === 'ended') {
        assert.deepEqual([answer.state, answer.text], ['complete', question?.text.replace('Question', 'Answer')])
      }
    }
  }
})

test('a continuation that is killed keeps what was there before', async () => {
  await using folder = await createFolder()
  const ask = toAsk('Tell me')
  await killInTheMiddle(folder.file, ask, 'Once upon')
  {
    await using store = await openStore({ path: folder.file })
    await store.recoverCrashed()
  }
  await killInTheMiddle(folder.file, toContinue(ask), ' a time')
  await using store = await openStore({ path: folder.file })
  await store.recoverCrashed()
  const answer = (await store.getConversation(ask.conversationId, owner)).messages.at(-1)
  assert.deepEqual([answer?.state, answer?.text], ['crashed', 'Once upon a time'])
})

test('a run that never got to an attempt crashes without a model; ended ones are left alone', async () => {
  await using temporary = await openTemporary()
  const { store } = temporary
  const done = await converse(store, toAsk('done'), 'yes')
  const ask = toAsk('Hello')
  await store.beginRun(ask)
  assert.equal(await store.recoverCrashed(), 1)
  const answer = (await store.getConversation(ask.conversationId, owner)).messages.at(-1)
  assert.deepEqual([answer?.state, answer?.text, answer?.model], ['crashed', '', null])
  assert.equal((await store.getConversation(done.conversationId, owner)).messages.at(-1)?.state, 'complete')
})
