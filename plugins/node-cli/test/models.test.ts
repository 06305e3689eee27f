import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isLmappError, LmappError } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { createModelList, parseModelNames } from '../src/models/model-list.ts'
import { ask, openBackend, script } from './support/open-backend.ts'

describe('names of models', () => {
  it('are lines, a JSON array, or what a pattern finds; each once', () => {
    assert.deepEqual(parseModelNames('one\n  two \r\n\none\n'), ['one', 'two'])
    assert.deepEqual(parseModelNames(' ["one", "two", "one"]\n'), ['one', 'two'])
    const printed = 'OpenAI Chat: gpt-x (aliases: x)\nGguf: small\n\nDefault: gpt-x\n[odd]'
    assert.deepEqual(parseModelNames(printed, /^[^:]+: (\S+)/), ['gpt-x', 'small'])
    assert.deepEqual(parseModelNames(''), [])
  })

  it('in broken JSON are refused', () => {
    for (const text of ['["one"', '[1]', `${'['.repeat(100_000)}`, '[{"id":"x"}]']) {
      assert.throws(
        () => parseModelNames(text),
        (error) => isLmappError(error, 'engine-failed'),
      )
    }
  })
})

describe('a list of models', () => {
  function open() {
    let time = 0
    const state = { names: ['one'], loads: 0, changes: 0, failures: 0, broken: false }
    const list = createModelList({
      async load() {
        state.loads += 1
        if (state.broken) throw new LmappError('engine-failed', 'broken')
        return state.names
      },
      onChange: () => state.changes++,
      onFailure: () => state.failures++,
      freshMs: 1000,
      now: () => time,
    })
    return { list, state, pass: (ms: number) => (time += ms) }
  }
  const settle = () => new Promise((resolve) => setImmediate(resolve))

  it('is asked for once, by all who want it, and kept while it is fresh', async () => {
    const { list, state, pass } = open()
    const [first, second] = await Promise.all([list.names(), list.names()])
    assert.deepEqual([first, second, state.loads], [['one'], ['one'], 1])
    pass(999)
    await list.names()
    assert.equal(state.loads, 1)
  })

  it('that is old is given at once and asked for anew; a change is told', async () => {
    const { list, state, pass } = open()
    await list.names()
    pass(1000)
    assert.deepEqual(await list.names(), ['one'])
    await settle()
    assert.deepEqual([state.loads, state.changes], [2, 0])
    state.names = ['one', 'two']
    pass(1000)
    assert.deepEqual(await list.names(), ['one'])
    await settle()
    assert.deepEqual([await list.names(), state.changes], [['one', 'two'], 1])
  })

  it('that cannot be had anew stays, and is not asked for at every turn', async () => {
    const { list, state, pass } = open()
    await list.names()
    state.broken = true
    pass(1000)
    for (let turn = 0; turn < 3; turn += 1) assert.deepEqual(await list.names(), ['one'])
    await settle()
    assert.deepEqual([state.loads, state.failures], [2, 1])
  })

  it('that was never had fails, and is tried again', async () => {
    const { list, state } = open()
    state.broken = true
    await assert.rejects(list.names(), { code: 'engine-failed' })
    state.broken = false
    assert.deepEqual(await list.names(), ['one'])
  })

  it('is not waited for by whom no longer wants it', async () => {
    const { list } = open()
    await assert.rejects(list.names(AbortSignal.abort(new Error('enough'))), /enough/)
    assert.deepEqual(await list.names(), ['one'])
  })
})

describe('models by command', () => {
  const echo = script('process.stdin.pipe(process.stdout)')

  it('are listed after those of the configuration, and asked by the shared command', async () => {
    const command = [...script('console.log(process.argv[1])'), '{model}']
    const modelsCommand = script('console.log("b\\na\\nc")')
    await using backend = await openBackend({ command, modelsCommand, models: { a: {}, z: { command: echo } } })
    assert.deepEqual(
      (await backend.listModels()).map(({ id }) => id),
      ['a', 'z', 'b', 'c'],
    )
    assert.equal((await readChat(backend.chat(ask('Hi', { model: 'c' })))).text, 'c')
    assert.equal((await readChat(backend.chat(ask('Hi', { model: 'z' })))).text, 'Hi')
  })

  it('that are new are found when they are asked for, and told', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-models-'))
    const file = join(folder, 'models')
    await writeFile(file, 'one\n')
    let changes = 0
    {
      await using backend = await openBackend(
        { command: echo, modelsCommand: ['cat', file] },
        { modelsChanged: () => changes++ },
      )
      assert.equal((await backend.listModels()).length, 1)
      const { error } = await tryChat(backend.chat(ask('Hi', { model: 'two' })))
      assert.ok(isLmappError(error, 'model-not-found'))
      assert.deepEqual(error.details, { name: 'two', known: ['one'] })
      await writeFile(file, 'one\ntwo\n')
      assert.equal((await readChat(backend.chat(ask('Hi', { model: 'two' })))).text, 'Hi')
      assert.equal(changes, 1)
    }
    await rm(folder, { recursive: true })
  })

  it('say why there are none', async () => {
    for (const [modelsCommand, code, words] of [
      [script('console.error("No network."); process.exit(1)'), 'engine-failed', /No network/],
      [script('process.stdout.write("x".repeat(3e6))'), 'engine-failed', /more than a list/],
      [['no-such-program-7f3a'], 'tool-missing', /was not found/],
    ] as const) {
      await using backend = await openBackend({ command: echo, modelsCommand })
      await assert.rejects(backend.listModels(), (error) => isLmappError(error, code) && words.test(error.message))
    }
  })

  it('that take their time can be left waiting, and end with the backend', async () => {
    await using backend = await openBackend({ command: echo, modelsCommand: script('setInterval(() => {}, 1000)') })
    const controller = new AbortController()
    const chat = readChat(backend.chat(ask('Hi'), { signal: controller.signal }))
    const list = backend.listModels()
    controller.abort()
    assert.equal((await chat).finishes[0]?.reason, 'cancelled')
    await Promise.all([backend.stop(), assert.rejects(list, { code: 'backend-stopped' })])
  })
})
