import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Backend, ChatRequest, LmappError } from 'lmapp-kit'
import { readChat, type Transcript, tryChat } from 'lmapp-kit/testkit'
import { family, openPlace } from './support/connected.ts'
import { ask, model, openBackend, script } from './support/open-backend.ts'

const of = (command: string[], more: object = {}) => ({ models: { it: { command, ...more } } })
const echo = 'process.stdin.pipe(process.stdout)'

async function answerOf(config: object, request: ChatRequest, more = {}): Promise<Transcript> {
  await using backend = await openBackend(config, more)
  return await readChat(backend.chat(request))
}

async function errorOf(config: object, request = ask('Hi'), more = {}): Promise<LmappError & { text: string }> {
  await using backend = await openBackend(config, more)
  const { transcript, error } = await tryChat(backend.chat(request))
  assert.ok(error, 'It was answered.')
  return Object.assign(error as LmappError, { text: transcript.text })
}

describe('a program', () => {
  it('reads the prompt on stdin, and its stdout is the answer', async () => {
    const { text, parts } = await answerOf(of(script(echo)), ask('Why?'))
    assert.equal(text, 'Why?')
    assert.deepEqual(
      parts.map(({ type }) => type),
      ['status', 'text-delta', 'finish'],
    )
  })

  it('gets what no shell has touched, and an empty stdin beside an argument', async () => {
    const source = `require('node:fs').readFileSync(0); console.log(JSON.stringify(process.argv.slice(1)))`
    const prompt = `$HOME; rm -rf "*" 'x' \\ \`id\`\nnext`
    const { text } = await answerOf(of([...script(source), '{prompt}']), ask(prompt))
    assert.deepEqual(JSON.parse(text), [prompt])
  })

  it('need not read what it is given, and may be given much', async () => {
    const much = 'x'.repeat(4_000_000)
    assert.equal((await answerOf(of(script('console.log("No.")')), ask(much))).text, 'No.')
    assert.equal((await answerOf(of(script(echo)), ask(much))).text.length, much.length)
  })

  it('is not read faster than it is taken', async () => {
    const source = `
      let written = 0
      const more = () => { while (process.stdout.write('x'.repeat(65536))) written++; process.stderr.write('full\\n') }
      process.stdout.on('drain', more); more()`
    let full = 0
    await using backend = await openBackend(of(script(source)), { log: () => full++ })
    const chat = backend.chat(ask('Hi'))[Symbol.asyncIterator]()
    await chat.next()
    const first = await chat.next()
    assert.equal(first.value?.type, 'text-delta')
    while (full < 1) await new Promise(setImmediate)
    const before = full
    for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate)
    assert.ok(full - before < 50, `It wrote on ${full - before} times.`)
    await chat.return?.()
  })

  it('gives all of its answer to a reader that comes when it has ended', async () => {
    await using place = await openPlace()
    const source = `
      process.stdout.write('first')
      require('node:net').connect(${JSON.stringify(place.path)}).once('data', () => {
        process.stdout.write('x'.repeat(60000), () => process.exit())
      })`
    await using backend = await openBackend(of(script(source)))
    const text = await readChat(backend.chat(ask('Hi')), async ({ deltas }, part) => {
      if (part.type !== 'text-delta' || deltas.length > 1) return
      await place.arrived(1)
      place.tell()
      await place.gone()
    })
    assert.equal(text.text.length, 60_005)
  })

  it('has its messages in the log, line by line, and not in the answer', async () => {
    const log: string[] = []
    const source = `process.stderr.write('⠋ 1\\r⠙ 2\\r\\x1b[Kone\\ntw'); process.stderr.write('o\\n\\n' + 'x'.repeat(9000)); console.log('Hi')`
    const { text } = await answerOf(of(script(source)), ask('Hi'), { log: (line: string) => log.push(line) })
    assert.equal(text, 'Hi')
    assert.deepEqual(log, ['[it] one', '[it] two', `[it] ${'x'.repeat(1000)}`])
  })

  it('is given what the environment holds, and what its settings add', async () => {
    const source = `console.log(process.env.PATH, process.env.COLOR, process.env.KEY, process.env.HIDDEN)`
    const config = of([...script(source)], { env: { COLOR: 'no', KEY: 'k-{apiKey}' } })
    const more = { apiKey: '$&', environment: { PATH: '/bin' } }
    assert.equal((await answerOf(config, ask('Hi'), more)).text, '/bin no k-$& undefined')
    const missing = await errorOf(config, ask('Hi'))
    assert.deepEqual([missing.code, missing.details?.variable], ['unauthorized', 'KEY'])
  })

  it('works in a folder of the plugin, or in its own', async () => {
    const source = 'console.log(process.cwd())'
    assert.match((await answerOf(of(script(source)), ask('Hi'))).text, /lmapp-node-cli-.*work$/)
    assert.equal((await answerOf(of(script(source), { cwd: '~/' }), ask('Hi'))).text, homedir())
    const missing = await errorOf(of(script(source), { cwd: '/no/such/folder' }))
    assert.deepEqual([missing.code, missing.details?.setting], ['config-invalid', 'cwd'])
  })

  it('that writes what is no UTF-8 is answered for with a warning', async () => {
    const { text, warnings } = await answerOf(of(script('process.stdout.write(Buffer.from([97, 255]))')), ask('Hi'))
    assert.equal(text, 'a\ufffd')
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['other'],
    )
  })

  it('whose child left the group and holds its stdout does not hold up the answer', async () => {
    await using place = await openPlace()
    const child = `require('node:net').connect(${JSON.stringify(place.path)}).on('close', () => process.exit())`
    const source = `
      require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { detached: true, stdio: 'inherit' }).unref()
      process.stdout.write('Done.')`
    assert.equal((await answerOf(of(script(source)), ask('Hi'))).text, 'Done.')
    await place.arrived(1)
  })
})

describe('settings', () => {
  it('without arguments are warned about by name; stop is honoured here', async () => {
    const options = { temperature: 0.5, maxTokens: 2, stop: ['zzz'] }
    const { warnings, text, finishes } = await answerOf(
      of(script(echo)),
      ask('one two three', { options, reasoning: true }),
    )
    assert.deepEqual(
      warnings.map(({ setting }) => setting),
      ['options.temperature', 'options.maxTokens', 'reasoning'],
    )
    assert.match(warnings[1]?.message ?? '', /after 2 words/)
    assert.deepEqual([text, finishes[0]?.reason, finishes[0]?.usage], ['one two', 'length', {}])
  })

  it('end a program that would go on: by a stop sequence, by the number of words', async () => {
    const endless = of(script(`setInterval(() => process.stdout.write('one two three '), 1)`))
    const stopped = await answerOf(endless, ask('Hi', { options: { stop: ['three'] } }))
    assert.deepEqual([stopped.text, stopped.finishes[0]?.reason], ['one two ', 'stop'])
    const cut = await answerOf(endless, ask('Hi', { options: { maxTokens: 4 } }))
    assert.deepEqual([cut.text, cut.finishes[0]?.reason], ['one two three one', 'length'])
  })

  it('that a program obeys are told by its usage: all tokens used means cut', async () => {
    const source = `console.log('Hi'); console.error('Used 1,234 in and 7 out.')`
    const config = of([...script(source), '{args}'], {
      options: { maxTokens: ['-n', '{value}'] },
      usage: { input: 'used ([\\d,]+)', output: '(\\d+) out' },
    })
    const cut = await answerOf(config, ask('Hi', { options: { maxTokens: 7 } }))
    assert.deepEqual(cut.finishes[0], {
      type: 'finish',
      reason: 'length',
      usage: { inputTokens: 1234, outputTokens: 7 },
    })
    assert.equal((await answerOf(config, ask('Hi', { options: { maxTokens: 8 } }))).finishes[0]?.reason, 'stop')
  })
})

describe('a program that fails', () => {
  it('before its answer is engine-failed, in its own last words', async () => {
    const error = await errorOf(of([...model, '--model', 'refuses']))
    assert.deepEqual([error.code, error.details?.exitCode], ['engine-failed', 1])
    assert.match(error.message, /ended with exit code 1: Error: not today\.$/)
    assert.match(error.hint, /backends logs/)
    assert.match((await errorOf(of(script('process.exit(4)')))).message, /exit code 4, and did not say why/)
  })

  it('after it has begun is engine-died, and what came is kept', async () => {
    const error = await errorOf(of([...model, '--model', 'breaks']))
    assert.deepEqual([error.code, error.text], ['engine-died', 'so far'])
    const killed = await errorOf(of([...model, '--model', 'killed']))
    assert.deepEqual([killed.code, killed.details?.signal], ['engine-died', 'SIGKILL'])
    assert.match(killed.message, /was ended by SIGKILL/)
  })

  it('for a reason that its settings know has the code of that reason', async () => {
    const errors = { unauthorized: 'no key', 'rate-limited': '\\b429\\b' }
    const failing = (words: string) =>
      of(script(`console.error(${JSON.stringify(words)}); process.exit(1)`), { errors })
    assert.equal((await errorOf(failing('Error: No key found'))).code, 'unauthorized')
    assert.equal((await errorOf(failing('HTTP 429'))).code, 'rate-limited')
    assert.equal((await errorOf(failing('HTTP 500'))).code, 'engine-failed')
  })

  it('to say anything is answer-empty', async () => {
    const error = await errorOf(of([...model, '--model', 'empty']))
    assert.deepEqual([error.code, error.text], ['answer-empty', ''])
    assert.match(
      (await errorOf(of(script('console.log(" "); console.error("Nothing found.")')))).message,
      /Nothing found\.$/,
    )
  })

  it('to start says what to correct', async () => {
    const missing = await errorOf(of(['no-such-program-7f3a']))
    assert.deepEqual([missing.code, missing.details?.program], ['tool-missing', 'no-such-program-7f3a'])
    assert.match(missing.hint, /Install it, or correct "command"/)
    assert.equal((await errorOf(of(['/etc/passwd']))).code, 'engine-failed')
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-no-shebang-'))
    const file = join(folder, 'ask')
    await writeFile(file, 'no program', { mode: 0o755 })
    assert.equal((await errorOf(of([file]))).code, 'engine-failed')
    await rm(folder, { recursive: true })
  })

  it('to be given a prompt as an argument says why', async () => {
    const config = of([...script(''), '{prompt}'])
    assert.equal((await errorOf(config, ask('x'.repeat(4_000_000)))).code, 'context-overflow')
    assert.equal((await errorOf(config, ask('a\0b'))).code, 'bad-input')
  })

  it('is asked nothing that it cannot do', async () => {
    const image = { type: 'image' as const, mediaType: 'image/png', data: '' }
    for (const more of [
      { continue: true },
      { schema: {} },
      { tools: [{ name: 't', parameters: {} }] },
      { messages: [{ role: 'user' as const, content: [image] }] },
    ]) {
      assert.equal((await errorOf(of(script(echo)), ask('Hi', more))).code, 'unsupported')
    }
    assert.equal((await errorOf(of(script(echo)), ask('Hi', { messages: [] }))).code, 'bad-input')
    const tools = { tools: [{ name: 't', parameters: {} }], toolChoice: 'none' as const }
    assert.equal((await answerOf(of(script(echo)), ask('Hi', tools))).text, 'Hi')
  })
})

describe('the end of an answer is the end of its program', () => {
  const untilText = async (backend: Backend, signal?: AbortSignal) => {
    const chat = backend.chat(ask('Hi'), signal ? { signal } : {})[Symbol.asyncIterator]()
    for (;;) {
      const { value, done } = await chat.next()
      assert.ok(!done, 'It ended by itself.')
      if (value.type === 'text-delta') return chat
    }
  }

  it('by an abort: with its children, also when they are deaf', async () => {
    await using place = await openPlace()
    await using backend = await openBackend(of(script(family(place.path))))
    const controller = new AbortController()
    const chat = await untilText(backend, controller.signal)
    await place.arrived(2)
    controller.abort()
    const { value } = await chat.next()
    assert.deepEqual(value, { type: 'finish', reason: 'cancelled', usage: {} })
    await place.gone()
  })

  it('by a reader that leaves, by stop, and by the backend’s own end', async () => {
    for (const leave of [
      async (_: Backend, chat: AsyncIterator<unknown>) => void (await chat.return?.()),
      (backend: Backend) => backend.stop(),
      (backend: Backend) => backend[Symbol.asyncDispose](),
    ]) {
      await using place = await openPlace()
      await using backend = await openBackend(of(script(family(place.path))))
      const chat = await untilText(backend)
      await place.arrived(2)
      await leave(backend, chat)
      await place.gone()
      assert.equal((await backend.isRunning()).state === 'stopping', false)
    }
  })

  it('by its own: what it left behind goes too', async () => {
    await using place = await openPlace()
    await using backend = await openBackend(of(script(`${family(place.path)}; setTimeout(() => process.exit(), 500)`)))
    const reading = readChat(backend.chat(ask('Hi')))
    await place.arrived(1)
    assert.equal((await reading).text, 'We stay.')
    await place.gone()
  })
})

describe('programs at once', () => {
  it('are as many as allowed; the others wait, in order, and say so', async () => {
    await using backend = await openBackend(of([...model, '--model', 'stalls']))
    const controllers = [1, 2, 3].map(() => new AbortController())
    const begun = Promise.withResolvers<void>()
    const readings = controllers.map(({ signal }) =>
      readChat(backend.chat(ask('Hi'), { signal }), (_, part) => {
        if (part.type === 'text-delta') begun.resolve()
      }),
    )
    await begun.promise
    const { active, queued } = await backend.isRunning()
    assert.deepEqual([active, queued], [1, 2])
    controllers[1]?.abort()
    const second = await readings[1]
    assert.deepEqual([second?.statuses[0]?.phase, second?.finishes[0]?.reason], ['queued', 'cancelled'])
    assert.equal((await backend.isRunning()).queued, 1)
    controllers[0]?.abort()
    controllers[2]?.abort()
    assert.deepEqual(
      (await Promise.all(readings)).map(({ finishes }) => finishes[0]?.reason),
      ['cancelled', 'cancelled', 'cancelled'],
    )
    assert.equal((await backend.isRunning()).active, 0)
  })
})

describe('the backend', () => {
  it('names its programs, and says which are not there', async () => {
    await using backend = await openBackend({ models: { a: { command: ['sh'] }, b: { command: ['no-such-7f3a'] } } })
    assert.equal((await backend.getInfo()).description, 'Runs sh, no-such-7f3a')
    assert.equal((await backend.isRunning()).degraded, 'Not found: no-such-7f3a')
    await using whole = await openBackend({ models: { a: { command: ['/bin/sh'] } } })
    assert.equal((await whole.isRunning()).degraded, undefined)
  })

  it('without programs is there, says what is missing, and has no models', async () => {
    await using backend = await openBackend({})
    assert.deepEqual(await backend.listModels(), [])
    assert.match((await backend.isRunning()).degraded ?? '', /No program is configured/)
    assert.equal((await backend.getInfo()).description, 'No program is configured.')
    const error = await errorOf({})
    assert.equal(error.code, 'model-not-found')
    assert.match(error.hint, /"models" under backends\.<id>\.config/)
  })

  it('takes no chats before it is started', async () => {
    await using backend = await openBackend(of(script(echo)))
    await backend.stop()
    assert.equal((await backend.isRunning()).state, 'stopped')
    const { error } = await tryChat(backend.chat(ask('Hi')))
    assert.equal((error as LmappError).code, 'backend-stopped')
  })
})
