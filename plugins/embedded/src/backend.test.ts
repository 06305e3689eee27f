import assert from 'node:assert/strict'
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Backend, Part, Status } from 'lmapp-kit'
import { createEmbeddedBackend } from './backend.ts'
import { gguf, textEntry } from './fixtures/gguf-bytes.ts'
import { keepAlive } from './fixtures/keep-alive.ts'
import { ask, assistant, modelPath, realConfig, toRequest, user } from './fixtures/real-model.ts'
import { openTemporaryFolder } from './fixtures/temporary-folder.ts'

keepAlive()

const sky = 'Why is the sky blue?'

function statuses(parts: readonly Part[]): Status[] {
  return parts.filter((part) => part.type === 'status')
}

function warnings(parts: readonly Part[]): (string | undefined)[] {
  return parts.flatMap((part) => (part.type === 'warning' ? [part.setting ?? part.code] : []))
}

describe('with one model loaded', () => {
  let backend: Backend
  let answer: string

  before(async () => {
    backend = createEmbeddedBackend(realConfig)
    await backend.start()
    answer = (await ask(backend, { messages: [user(sky)], options: { maxTokens: 24 } })).text
  })
  after(() => backend[Symbol.asyncDispose]())

  describe('reading', () => {
    test('the next turn of a conversation reads only what is new', async () => {
      const messages = [user(sky), assistant(answer), user('Say it in five words.')]
      const { finish, parts } = await ask(backend, { messages, options: { maxTokens: 2 } })
      const { inputTokens = 0, cachedTokens = 0 } = finish.usage
      const [turn] = statuses(parts).filter((status) => status.phase === 'prompt')
      assert.ok(inputTokens - cachedTokens < 24, `${inputTokens - cachedTokens} tokens were read`)
      assert.deepEqual(turn?.progress, { done: cachedTokens, total: inputTokens, unit: 'tokens' })
    })

    test('the same question again reads one token', async () => {
      await ask(backend, { messages: [user('One?')], options: { maxTokens: 1 } })
      const { finish } = await ask(backend, { messages: [user('One?')], options: { maxTokens: 1 } })
      assert.equal(finish.usage.cachedTokens, (finish.usage.inputTokens ?? 0) - 1)
    })

    test('a long prompt is read in pieces, and says how far it is', async () => {
      const { parts } = await ask(backend, {
        messages: [user('A gull cried. '.repeat(140))],
        options: { maxTokens: 1 },
      })
      const done = statuses(parts).flatMap(({ phase, progress }) => (phase === 'prompt' ? [progress?.done ?? -1] : []))
      assert.ok(done.length > 1)
      assert.deepEqual(
        done,
        done.toSorted((left, right) => left - right),
      )
    })

    test('the count is what a chat reads', async () => {
      const messages = [user('How are you?'), assistant('Fine.'), user('Good.')]
      const { finish } = await ask(backend, { messages, options: { maxTokens: 1 } })
      const count = await backend.countTokens?.({ model: 'smol', messages })
      assert.deepEqual(count, { tokens: finish.usage.inputTokens ?? 0, exact: true })
    })

    test('a count with tools, of nothing, or of images is refused as a chat is', async () => {
      const count = async (request: object) =>
        backend.countTokens?.({ model: 'smol', messages: [user('Hi')], ...request })
      const image = { role: 'user', content: [{ type: 'image', mediaType: 'image/png', data: 'AAAA' }] }
      await assert.rejects(count({ tools: [{ name: 'look', parameters: {} }] }), { code: 'unsupported' })
      await assert.rejects(count({ messages: [image] }), { code: 'unsupported' })
      await assert.rejects(count({ messages: [] }), { code: 'bad-input' })
      assert.equal((await count({ tools: [] }))?.exact, true)
    })

    test('a count without the model is the same, and loads nothing', async () => {
      const messages = [user('How are you?'), assistant('Fine.'), user('Good.')]
      const loaded = await backend.countTokens?.({ model: 'smol', messages })
      await using cold = createEmbeddedBackend(realConfig)
      await cold.start()
      assert.deepEqual(await cold.countTokens?.({ model: 'smol', messages }), loaded)
      assert.ok((await cold.isRunning()).models.every(({ state }) => state === 'unloaded'))
      const leaving = AbortSignal.abort()
      await assert.rejects(async () => cold.countTokens?.({ model: 'smol', messages }, { signal: leaving }), {
        code: 'cancelled',
      })
    })

    test('log probabilities are warned of', async () => {
      const { parts } = await ask(backend, { messages: [user('Hi')], options: { maxTokens: 1, logprobs: 1 } })
      assert.deepEqual(warnings(parts), ['options.logprobs'])
    })

    test('words that look like special tokens are only words', async () => {
      const count = async (text: string) =>
        (await backend.countTokens?.({ model: 'smol', messages: [user(text)] }))?.tokens ?? 0
      const nothing = await count('x')
      assert.ok((await count('x<|im_end|>')) > nothing + 3)
    })

    test('a prompt that does not fit is context-overflow, with both numbers, before anything is written', async () => {
      const request = { messages: [user('A gull cried. '.repeat(80))], options: { contextLength: 100 } }
      await assert.rejects(ask(backend, request), (error: { code?: string; details?: Record<string, unknown> }) => {
        assert.equal(error.code, 'context-overflow')
        assert.equal(error.details?.contextLength, 100)
        assert.ok(Number(error.details?.promptTokens) > 300)
        return true
      })
    })

    test('a very long text is counted without stopping everything else', async () => {
      const text = `${'A gull cried. '.repeat(20_000)}${'🙂'.repeat(40_000)}`
      let turns = 0
      const counting = setInterval(() => turns++, 1)
      const refused = await ask(backend, { messages: [user(text)] }).catch((error: unknown) => error)
      clearInterval(counting)
      assert.equal((refused as { code?: string }).code, 'context-overflow')
      assert.ok(turns > 1)
    })

    test('more context than the model was made for is a warning', async () => {
      const { parts } = await ask(backend, { messages: [user('Hi')], options: { contextLength: 9000, maxTokens: 1 } })
      assert.deepEqual(warnings(parts), ['options.contextLength'])
    })
  })

  describe('writing', () => {
    test('at most maxTokens, and then length', async () => {
      const { finish } = await ask(backend, { messages: [user(sky)], options: { maxTokens: 3 } })
      assert.equal(finish.reason, 'length')
      assert.equal(finish.usage.outputTokens, 3)
    })

    test('a full context is length, and is announced', async () => {
      const messages = [user(sky)]
      const { finish: first } = await ask(backend, { messages, options: { maxTokens: 1 } })
      const contextLength = (first.usage.inputTokens ?? 0) + 4
      const { finish, parts } = await ask(backend, { messages, options: { maxTokens: 50, contextLength } })
      assert.equal(finish.reason, 'length')
      assert.equal(finish.usage.outputTokens, 4)
      assert.deepEqual(warnings(parts), ['options.maxTokens'])
    })

    test('a stop sequence across tokens ends the answer before it', async () => {
      const stop = answer.slice(9, 15)
      const { text, finish } = await ask(backend, { messages: [user(sky)], options: { maxTokens: 24, stop: [stop] } })
      assert.equal(text, answer.slice(0, answer.indexOf(stop)))
      assert.equal(finish.reason, 'stop')
    })

    test('what only looked like a stop sequence is not lost at the end', async () => {
      const request = { messages: [user(sky)], options: { maxTokens: 24, stop: [`${answer.slice(-3)}#`] } }
      assert.equal((await ask(backend, request)).text, answer)
    })

    test('the same seed gives the same answer, another one another', async () => {
      const once = async (seed: number) =>
        (await ask(backend, { messages: [user('Tell me a story.')], options: { temperature: 1.5, seed } })).text
      assert.equal(await once(1), await once(1))
      assert.notEqual(await once(1), await once(2))
    })

    test('a penalty changes what is repeated', async () => {
      const messages = [user('Write la many times.'), assistant('la la la la la la la la la la')]
      const options = { repeatPenalty: 1.8, presencePenalty: 1, frequencyPenalty: 1 }
      const plain = await ask(backend, { messages, continue: true })
      const other = await ask(backend, { messages, continue: true, options })
      assert.notEqual(plain.text, other.text)
    })

    test('characters of several tokens come whole', async () => {
      const messages = [user('Repeat: 🙂 🐟'), assistant('🙂 🐟 🙂')]
      const { parts } = await ask(backend, { messages, continue: true, options: { maxTokens: 16 } })
      assert.ok(parts.every((part) => part.type !== 'text-delta' || !/\uFFFD|[\uD800-\uDBFF]$/.test(part.text)))
    })

    test('under a schema: JSON and nothing else; what has no effect is a warning', async () => {
      const age = { type: 'integer', minimum: 18, maximum: 99, multipleOf: 2 }
      const properties = { name: { type: 'string', minLength: 1, maxLength: 12 }, age, notes: { type: 'string' } }
      const schema = { type: 'object', properties, required: ['name', 'age'], additionalProperties: false }
      const messages = [user('Invent a person.')]
      const { text, finish, parts } = await ask(backend, { messages, schema, options: { maxTokens: 60 } })
      const person = JSON.parse(text) as Record<string, unknown>
      assert.deepEqual(Object.keys(person).slice(0, 2), ['name', 'age'])
      assert.ok(Number(person.age) >= 18 && Number(person.age) <= 99)
      assert.equal(finish.reason, 'stop')
      assert.deepEqual(warnings(parts), ['schema.multipleOf'])
    })

    test('under a schema that is no object: a list, a word, a number', async () => {
      const ask1 = async (schema: Record<string, unknown>): Promise<unknown> =>
        JSON.parse((await ask(backend, { messages: [user('Name a colour.')], schema })).text)
      assert.ok(['red', 'blue'].includes(String(await ask1({ enum: ['red', 'blue'] }))))
      assert.equal(
        ((await ask1({ type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 })) as []).length,
        2,
      )
      assert.match(String(await ask1({ type: 'string', format: 'date' })), /^\d{4}-\d\d-\d\d$/)
    })

    test('a schema that no grammar can be made of is bad-input', async () => {
      const schema = { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }
      await assert.rejects(ask(backend, { messages: [user('Hi')], schema }), { code: 'bad-input' })
    })

    test('settings without effect are warnings', async () => {
      const options = { maxTokens: 1, mirostat: 2 } as Record<string, number>
      const request = { messages: [user('Hi')], options, vendor: { cache: true }, reasoning: 'high' as const }
      const { parts } = await ask(backend, request)
      assert.deepEqual(warnings(parts), ['options.mirostat', 'vendor.cache', 'reasoning'])
    })
  })

  describe('continuing', () => {
    const messages = [user(sky)]
    const rest = async (other: Backend, length: number) => {
      const request = { messages: [...messages, assistant(answer.slice(0, length))], continue: true }
      return (await ask(other, { ...request, options: { maxTokens: 5 } })).text
    }

    test('between two tokens and within one: a part and its continuation are the unbroken answer', async () => {
      await using fresh = createEmbeddedBackend(realConfig)
      await fresh.start()
      for (const length of [3, 4, 14, 15, 24]) {
        for (const other of [backend, fresh]) {
          const joined = answer.slice(0, length) + (await rest(other, length))
          assert.ok(answer.startsWith(joined) || joined.startsWith(answer), `cut at ${length}: ${joined}`)
          assert.ok(joined.length > length)
        }
      }
    })

    test('a partial answer that no greedy model would write is taken up all the same', async () => {
      const partial = 'Zyx \u{1F9FF}\u{10FFFD}'
      const request = { messages: [...messages, assistant(partial)], continue: true, options: { maxTokens: 2 } }
      assert.notEqual((await ask(backend, request)).text, '')
    })

    test('an empty partial answer is a new answer', async () => {
      assert.ok(answer.startsWith(await rest(backend, 0)))
    })

    test('not a question, not under a schema, not after a tool call', async () => {
      const partial = [...messages, assistant('It')]
      await assert.rejects(ask(backend, { messages, continue: true }), { code: 'bad-input' })
      await assert.rejects(ask(backend, { messages: partial, continue: true, schema: {} }), { code: 'unsupported' })
      const call = { type: 'tool-call' as const, id: '1', name: 'clock', arguments: '{}' }
      const calling = { role: 'assistant' as const, content: [call] }
      await assert.rejects(ask(backend, { messages: [...messages, calling], continue: true }), { code: 'unsupported' })
    })
  })

  describe('sharing and stopping', () => {
    test('chats share the model; one too many is queued, and health counts them', async () => {
      const [first, second] = [0, 1].map(() =>
        backend.chat(toRequest({ messages: [user(sky)] }))[Symbol.asyncIterator](),
      )
      await first?.next()
      await second?.next()
      const third = backend.chat(toRequest({ messages: [user(sky)] }))[Symbol.asyncIterator]()
      assert.deepEqual((await third.next()).value, { type: 'status', phase: 'queued' })
      const waiting = third.next()
      const { active, queued, models } = await backend.isRunning()
      assert.deepEqual({ active, queued, models }, { active: 2, queued: 1, models: [{ id: 'smol', state: 'ready' }] })
      await first?.return?.()
      assert.equal((await waiting).done, false)
      await second?.return?.()
      await third.return?.()
      assert.equal((await backend.isRunning()).active, 0)
    })

    test('an abort in the queue, in the prompt and in the answer: cancelled each time, with what was used', async () => {
      const busy = [0, 1].map(() => backend.chat(toRequest({ messages: [user(sky)] }))[Symbol.asyncIterator]())
      for (const chat of busy) await chat.next()
      const phases = ['queued', 'prompt', 'generating'] as const
      for (const phase of phases) {
        const controller = new AbortController()
        const parts: Part[] = []
        const messages = [user(`${phase}: ${'A gull cried. '.repeat(30)}`)]
        const request = toRequest({ messages, options: { maxTokens: 200 } })
        for await (const part of backend.chat(request, { signal: controller.signal })) {
          parts.push(part)
          if (part.type === 'status' && part.phase === phase) controller.abort()
        }
        const finish = parts.at(-1)
        assert.equal(finish?.type === 'finish' && finish.reason, 'cancelled', phase)
        if (finish?.type === 'finish' && phase !== 'queued') assert.ok((finish.usage.inputTokens ?? 0) > 100)
        assert.ok(parts.filter((part) => part.type === 'text-delta').length < 3, phase)
        if (phase === 'queued') for (const chat of busy) await chat.return?.()
      }
      assert.equal((await ask(backend, { messages: [user(sky)], options: { maxTokens: 24 } })).text, answer)
    })

    test('a signal that is aborted before the chat: cancelled, and nothing used', async () => {
      const { finish } = await ask(backend, { messages: [user(sky)] }, AbortSignal.abort())
      assert.deepEqual(finish, { type: 'finish', reason: 'cancelled', usage: {}, timings: {} })
    })

    test('a longer conversation than the context so far gets a larger one, after the chats that run', async () => {
      const running = backend.chat(toRequest({ messages: [user(sky)] }))[Symbol.asyncIterator]()
      while ((await running.next()).value?.type !== 'text-delta');
      const waiting = new AbortController()
      const request = { messages: [user(sky)], options: { maxTokens: 5000 } }
      const larger = ask(backend, request, waiting.signal)
      const other = ask(backend, { messages: [user(sky)], options: { contextLength: 6000, maxTokens: 1 } })
      while ((await backend.isRunning()).active < 2) await new Promise(setImmediate)
      await running.return?.()
      assert.equal((await other).finish.usage.outputTokens, 1)
      waiting.abort()
      assert.equal((await larger).finish.reason, 'cancelled')
    })

    test('a model that answers is not unloaded', async () => {
      const running = backend.chat(toRequest({ messages: [user(sky)] }))[Symbol.asyncIterator]()
      while ((await running.next()).value?.type !== 'text-delta');
      await assert.rejects(async () => backend.unloadModel?.('smol'), { code: 'busy' })
      await running.return?.()
    })
  })

  test('what it cannot do is unsupported; what is no question is bad-input', async () => {
    const tools = [{ name: 'clock', parameters: {} }]
    await assert.rejects(ask(backend, { messages: [user('Hi')], tools }), { code: 'unsupported' })
    await assert.rejects(ask(backend, { messages: [] }), { code: 'bad-input' })
  })

  test('what is known of a model includes its template and whether it is loaded', async () => {
    const shown = await backend.showModel?.('smol')
    assert.match(shown?.template ?? '', /im_start/)
    assert.equal(shown?.loaded, true)
    assert.equal((await backend.listModels())[0]?.loaded, true)
  })
})

describe('models coming and going', () => {
  test('loading tells its progress; several that ask at once share it; an idle model is unloaded', async () => {
    const changes = createChanges()
    await using backend = createEmbeddedBackend({ ...realConfig, idleUnloadMs: 0 }, changes)
    await backend.start()
    const chats = [sky, 'Who?'].map((text) => ask(backend, { messages: [user(text)], options: { maxTokens: 1 } }))
    const [first] = await Promise.all(chats)
    const progress = statuses(first?.parts ?? []).flatMap((status) =>
      status.phase === 'loading' ? [status.progress?.done ?? -1] : [],
    )
    assert.equal(progress[0], 0)
    assert.deepEqual(
      progress,
      [...new Set(progress)].toSorted((left, right) => left - right),
    )
    assert.ok((first?.finish.timings?.loadMs ?? 0) > 0)
    await until(backend, changes.changed, 'smol', 'unloaded')
  })

  test('an abort while it loads: cancelled, the load is given up, and the next chat loads anew', async () => {
    const changes = createChanges()
    await using backend = createEmbeddedBackend(realConfig, changes)
    await backend.start()
    const controller = new AbortController()
    const parts: Part[] = []
    for await (const part of backend.chat(toRequest({ messages: [user(sky)] }), { signal: controller.signal })) {
      parts.push(part)
      if (part.type === 'status' && part.phase === 'loading') controller.abort()
    }
    assert.deepEqual(parts.at(-1), { type: 'finish', reason: 'cancelled', usage: {}, timings: {} })
    assert.equal((await ask(backend, { messages: [user(sky)], options: { maxTokens: 1 } })).finish.reason, 'length')
  })

  test('a reader that leaves while it loads ends the load', async () => {
    const changes = createChanges()
    await using backend = createEmbeddedBackend(realConfig, changes)
    await backend.start()
    for await (const part of backend.chat(toRequest({ messages: [user(sky)] }))) if (part.type === 'status') break
    await until(backend, changes.changed, 'smol', 'unloaded')
    assert.equal((await backend.isRunning()).active, 0)
  })

  test('load and unload by name; a call that is aborted is cancelled', async () => {
    await using backend = createEmbeddedBackend(realConfig)
    await backend.start()
    const aborted = { signal: AbortSignal.abort() }
    await assert.rejects(async () => backend.loadModel?.('smol', aborted), { code: 'cancelled' })
    await backend.unloadModel?.('smol')
    await backend.loadModel?.('smol')
    assert.deepEqual((await backend.isRunning()).models, [{ id: 'smol', state: 'ready' }])
    await backend.unloadModel?.('smol')
    assert.deepEqual((await backend.isRunning()).models, [{ id: 'smol', state: 'unloaded' }])
    await assert.rejects(async () => backend.unloadModel?.('none'), { code: 'model-not-found' })
  })

  test('where memory is short another model takes the place of the idle one; what cannot fit is refused', async () => {
    let availableMemory = Number.MAX_SAFE_INTEGER
    const models = { one: modelPath, two: modelPath }
    await using backend = createEmbeddedBackend({ models }, { availableMemory: () => availableMemory })
    await backend.start()
    await backend.loadModel?.('one')
    availableMemory = 98_362_432 * 3
    await backend.loadModel?.('two')
    const { models: now } = await backend.isRunning()
    assert.deepEqual(now, [
      { id: 'one', state: 'unloaded' },
      { id: 'two', state: 'ready' },
    ])
    availableMemory = 50_000_000
    const refused = ask(backend, { model: 'one', messages: [user('Hi')] })
    await assert.rejects(refused, { code: 'model-too-large', message: /needs .* MiB of memory, 48 MiB are free/ })
  })

  test('a context that was asked for and cannot be is refused before the model is loaded, with one that can', async () => {
    await using backend = createEmbeddedBackend(realConfig, { availableMemory: () => 98_362_432 * 3 })
    await backend.start()
    const request = { messages: [user('Hi')], options: { contextLength: 8192, maxTokens: 1 } }
    await assert.rejects(ask(backend, request), {
      code: 'model-too-large',
      hint: 'A context of 3840 tokens fits: -o num_ctx=3840',
    })
    assert.deepEqual((await backend.isRunning()).models, [{ id: 'smol', state: 'unloaded' }])
    await ask(backend, { ...request, options: { contextLength: 3840, maxTokens: 1 } })
  })

  test('a context that was not asked for is as large as the memory allows, and a smaller one is announced', async () => {
    await using backend = createEmbeddedBackend(realConfig, { availableMemory: () => 98_362_432 * 3 })
    await backend.start()
    const controller = new AbortController()
    const parts: Part[] = []
    const request = toRequest({ messages: [user('Hi')], options: { maxTokens: 7000 } })
    for await (const part of backend.chat(request, { signal: controller.signal })) {
      parts.push(part)
      if (part.type === 'text-delta') controller.abort()
    }
    assert.deepEqual(warnings(parts), ['options.contextLength', 'options.maxTokens'])
  })

  test('a broken file is refused, one that llama.cpp cannot load too, and the others still answer', async () => {
    await using folder = await openTemporaryFolder()
    await copyFile(modelPath, join(folder.path, 'short.gguf'))
    await truncate(join(folder.path, 'short.gguf'), 50_000_000)
    await writeFile(join(folder.path, 'empty.gguf'), gguf([textEntry('general.architecture', 'llama')]))
    await writeFile(join(folder.path, 'encoder.gguf'), gguf([textEntry('general.architecture', 'bert')]))
    await writeFile(join(folder.path, 'mmproj.gguf'), gguf([textEntry('general.architecture', 'clip')]))
    await writeFile(join(folder.path, 'halves.gguf'), gguf([textEntry('general.architecture', 't5')]))
    await symlink(modelPath, join(folder.path, 'smol.gguf'))
    const lines: string[] = []
    await using backend = createEmbeddedBackend({ modelsDir: folder.path }, { log: (_, line) => lines.push(line) })
    await backend.start()
    const messages = [user('Hi')]
    await assert.rejects(ask(backend, { model: 'short', messages }), { code: 'not-a-model' })
    await assert.rejects(ask(backend, { model: 'empty', messages }), { code: 'model-load-failed' })
    await assert.rejects(ask(backend, { model: 'encoder', messages }), { code: 'unsupported' })
    await assert.rejects(ask(backend, { model: 'mmproj', messages }), {
      code: 'unsupported',
      message: /belongs to one/,
    })
    await assert.rejects(async () => backend.embed?.({ model: 'halves', input: ['a'] }), { code: 'unsupported' })
    assert.ok(lines.length > 0, 'what llama.cpp said is in the log')
    assert.equal((await ask(backend, { messages, options: { maxTokens: 1 } })).finish.reason, 'length')
    await rm(join(folder.path, 'smol.gguf'))
    await assert.rejects(ask(backend, { messages }), { code: 'model-not-found' })
  })
})

describe('files that are somebody else’s', () => {
  test('a blob without an ending and a link from a cache run where they are, and nothing is written', async () => {
    await using folder = await openTemporaryFolder()
    const blob = join(folder.path, 'sha256-b179c9523d0e')
    await copyFile(modelPath, blob)
    await chmod(blob, 0o444)
    await mkdir(join(folder.path, 'snapshots'))
    const link = join(folder.path, 'snapshots', 'model.gguf')
    await symlink(blob, link)
    const modelsFile = join(folder.path, 'models.json')
    await writeFile(modelsFile, JSON.stringify({ models: { 'smollm2:135m': blob, 'hf.co/a/smol:Q4_1': link } }))
    const before = await stat(blob)
    const names = await readdir(folder.path)
    await using backend = createEmbeddedBackend({ modelsFile })
    await backend.start()
    for (const model of ['smollm2:135m', 'hf.co/a/smol:Q4_1']) {
      const { finish } = await ask(backend, { model, messages: [user('Hi')], options: { maxTokens: 1 } })
      assert.equal(finish.reason, 'length')
    }
    const after = await stat(blob)
    assert.deepEqual([after.size, after.mtimeMs, after.ctimeMs], [before.size, before.mtimeMs, before.ctimeMs])
    assert.deepEqual(await readdir(folder.path), names)
    const mapped = (await readFile('/proc/self/maps', 'utf8')).split('\n').filter((line) => line.endsWith(blob))
    assert.ok(mapped.length > 0, 'it is mapped, not copied')
    assert.ok(
      mapped.every((line) => / r--[sp] /.test(line)),
      'and only to be read',
    )
  })

  test('one that was replaced is loaded anew, after the answers that had begun', async () => {
    await using folder = await openTemporaryFolder()
    const path = join(folder.path, 'smol.gguf')
    await copyFile(modelPath, path)
    await using backend = createEmbeddedBackend({ modelsDir: folder.path })
    await backend.start()
    const request = { messages: [user('Hi')], options: { maxTokens: 1 } }
    assert.ok((await ask(backend, request)).finish.timings?.loadMs)
    assert.equal((await ask(backend, request)).finish.timings?.loadMs, undefined)
    const running = backend.chat(toRequest({ messages: [user(sky)] }))[Symbol.asyncIterator]()
    while ((await running.next()).value?.type !== 'text-delta');
    await copyFile(modelPath, `${path}.new`)
    await rename(`${path}.new`, path)
    const next = ask(backend, request)
    let last: Part | undefined
    for (let step = await running.next(); !step.done; step = await running.next()) last = step.value
    assert.equal(last?.type === 'finish' && last.reason, 'length', 'the old file stays whole for who reads it')
    assert.ok((await next).finish.timings?.loadMs)
  })

  test('one that becomes shorter is not-a-model: before an answer, in the middle of one, and it leaves the memory', async () => {
    await using folder = await openTemporaryFolder()
    const path = join(folder.path, 'smol.gguf')
    await copyFile(modelPath, path)
    const changes = createChanges()
    await using backend = createEmbeddedBackend({ modelsDir: folder.path }, changes)
    await backend.start()
    const running = backend
      .chat(toRequest({ messages: [user(sky)], options: { maxTokens: 4000 } }))
      [Symbol.asyncIterator]()
    while ((await running.next()).value?.type !== 'text-delta');
    // So little that the last page is still there: a page that is gone would end this process.
    await truncate(path, 98_362_432 - 1)
    const rest = async () => {
      while (!(await running.next()).done);
    }
    await assert.rejects(rest, { code: 'not-a-model', details: { path, bytes: 98_362_431, neededBytes: 98_362_432 } })
    await assert.rejects(ask(backend, { messages: [user('Hi')] }), { code: 'not-a-model' })
    assert.deepEqual(await backend.listModels(), [])
    assert.deepEqual((await backend.isRunning()).models, [{ id: 'smol', state: 'unloaded' }])
  })

  test('one that is gone is in no list, and is unloaded when it is asked for', async () => {
    await using folder = await openTemporaryFolder()
    const path = join(folder.path, 'smol.gguf')
    await symlink(modelPath, path)
    const changes = createChanges()
    await using backend = createEmbeddedBackend({ modelsDir: folder.path }, changes)
    await backend.start()
    const running = backend.chat(toRequest({ messages: [user(sky)] }))[Symbol.asyncIterator]()
    while ((await running.next()).value?.type !== 'text-delta');
    await rm(path)
    assert.deepEqual(await backend.listModels(), [])
    await assert.rejects(ask(backend, { messages: [user('Hi')] }), { code: 'model-not-found' })
    await running.return?.()
    await until(backend, changes.changed, 'smol', 'unloaded')
  })
})

describe('starting and stopping', () => {
  test('before start and after stop it answers no chat, but lists its models', async () => {
    await using backend = createEmbeddedBackend(realConfig)
    await assert.rejects(ask(backend, { messages: [user('Hi')] }), { code: 'backend-stopped' })
    assert.deepEqual(await backend.isRunning(), { running: false, state: 'stopped', active: 0, queued: 0, models: [] })
    assert.equal((await backend.listModels())[0]?.loaded, false)
    assert.equal((await backend.getInfo()).engineVersion, undefined)
    await backend.start()
    assert.match((await backend.getInfo()).engineVersion ?? '', /llama\.cpp/)
    await backend.stop()
    await assert.rejects(ask(backend, { messages: [user('Hi')] }), { code: 'backend-stopped' })
  })

  test('a chat that runs when it is stopped ends with backend-stopped, and so does a load', async () => {
    await using backend = createEmbeddedBackend(realConfig)
    await backend.start()
    const loading = assert.rejects(async () => backend.loadModel?.('smol'), { code: 'backend-stopped' })
    while ((await backend.isRunning()).models.length === 0) await new Promise(setImmediate)
    await backend.stop()
    await loading
    await backend.start()
    const chat = backend.chat(toRequest({ messages: [user(sky)], options: { maxTokens: 500 } }))[Symbol.asyncIterator]()
    while ((await chat.next()).value?.type !== 'text-delta');
    await backend.stop()
    await assert.rejects(
      async () => {
        while (!(await chat.next()).done);
      },
      { code: 'backend-stopped' },
    )
    assert.equal((await backend.isRunning()).state, 'stopped')
  })

  test('a start that fails says why, and is failed until it is tried again', async () => {
    await using folder = await openTemporaryFolder()
    await using backend = createEmbeddedBackend({ runtimeDir: folder.path })
    await assert.rejects(backend.start(), { code: 'tool-missing' })
    assert.equal((await backend.isRunning()).state, 'failed')
    await backend.stop()
    await mkdir(join(folder.path, 'node_modules'))
    await assert.rejects(backend.start(), { code: 'tool-missing' })
  })

  test('a wrong configuration is refused at once', () => {
    assert.throws(() => createEmbeddedBackend({ parallel: 'many' }), { code: 'config-invalid' })
  })
})

/** Resolves when health says so. */
async function until(backend: Backend, changed: () => Promise<void>, id: string, state: string): Promise<void> {
  for (;;) {
    const change = changed()
    const { models } = await backend.isRunning()
    if (models.some((model) => model.id === id && model.state === state)) return
    await change
  }
}

function createChanges() {
  let next = Promise.withResolvers<void>()
  return {
    stateChanged() {
      next.resolve()
      next = Promise.withResolvers()
    },
    changed: () => next.promise,
  }
}
