import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { createHome, type Home, installTestModel, isAlive, toEvents, untilGone } from '../support/home.ts'

const config = { backends: { ollama: { type: 'ollama', enabled: false } } }

interface Event {
  type: string
  text?: string
  state?: string
  model?: string
  conversation?: string
  message?: string
  usage?: { inputTokens: number; outputTokens: number; cachedTokens?: number }
  error?: { code: string }
}

/** The child of the service that runs llama.cpp. */
function findEngine(service: number): number | undefined {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === service)
  return children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('dist/main.js'))
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

describe('the main job, on the real embedded engine with a real model', () => {
  let home: Home
  before(async () => {
    home = await createHome(config)
    await installTestModel(home)
  })
  after(() => home[Symbol.asyncDispose]())

  const ask = async (...args: string[]): Promise<Event[]> => {
    const result = await home.lmapp(['--json', '-o', 'temperature=0', '-o', 'max_tokens=40', ...args])
    assert.ok([0, 10].includes(result.code ?? -1), result.stderr + result.stdout)
    return toEvents(result.stdout) as unknown as Event[]
  }
  const textOf = (events: Event[]) => events.map(({ type, text }) => (type === 'text-delta' ? text : '')).join('')
  const endOf = (events: Event[]) => events.at(-1)

  it('answers without a word of configuration, from the model that is there', async () => {
    const result = await home.lmapp(['-o', 'temperature=0', '-o', 'max_tokens=12', 'Why is the sky blue?'])
    assert.ok([0, 10].includes(result.code ?? -1), result.stderr)
    assert.match(result.stdout, /\w+ \w+/)
  })

  it('is bound to a schema by its grammar, in one piece on stdout', async () => {
    const result = await home.lmapp(['-o', 'temperature=0', '--schema', 'mood happy|sad, score int', 'How are you?'])
    assert.equal(result.code, 0, result.stderr)
    const answer = JSON.parse(result.stdout)
    assert.ok(['happy', 'sad'].includes(answer.mood) && Number.isInteger(answer.score), result.stdout)
  })

  it('turns texts into vectors that lie close where the texts do', async () => {
    const texts = ['The cat sleeps on the sofa.', 'A cat is sleeping on the couch.', 'Interest rates rose again.']
    const result = await home.lmapp(['embed', '--lines', '-f', '-'], { stdin: texts.join('\n') })
    assert.equal(result.code, 0, result.stderr)
    const [cat = [], couch = [], rates = []] = result.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const dot = (one: number[], other: number[]) =>
      one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0)
    assert.ok(Math.abs(dot(cat, cat) - 1) < 1e-3)
    assert.ok(dot(cat, couch) > dot(cat, rates))
  })

  it('answers from a warm service the second time, and reads only what is new of a conversation', async () => {
    const system = 'You are a helpful guide. '.repeat(12)
    const first = await ask('-s', system, 'Why is the sky blue?')
    const second = await ask('--conversation', first[0]?.conversation ?? '', 'And at night?')
    assert.equal(second[0]?.model, 'embedded/smollm2-135m')
    assert.ok(textOf(second).length > 0)
    const { inputTokens = 0, cachedTokens = 0 } = endOf(second)?.usage ?? {}
    assert.ok(inputTokens > 80)
    assert.ok(cachedTokens >= endOfPrompt(first), `${cachedTokens} of ${inputTokens} were kept`)
  })

  it('stops at the length limit, and `continue` goes on from the last token', async () => {
    const whole = textOf(await ask('Count from one to twelve in words.'))
    const result = await home.lmapp([
      '--json',
      '-o',
      'temperature=0',
      '-o',
      'max_tokens=8',
      'Count from one to twelve in words.',
    ])
    assert.equal(result.code, 10)
    const [start] = toEvents(result.stdout) as unknown as Event[]
    const continued = await home.lmapp(['continue', start?.conversation ?? '', '-o', 'max_tokens=32'])
    assert.ok([0, 10].includes(continued.code ?? -1), continued.stderr)
    const shown = JSON.parse((await home.lmapp(['history', 'show', start?.conversation ?? '', '--json'])).stdout)
    assert.equal(shown.messages[1].text, whole, 'as if it had never been cut')
    assert.equal(shown.messages.length, 2)
  })

  it('lists the model as loaded, and says where it is', async () => {
    const [model] = JSON.parse((await home.lmapp(['models', 'list', '--json'])).stdout)
    assert.equal(model.ref, 'embedded/smollm2-135m')
    assert.equal(model.loaded, true)
    const shown = JSON.parse((await home.lmapp(['models', 'show', 'smollm2-135m', '--json'])).stdout)
    assert.ok(statSync(shown.path).size > 90_000_000)
  })

  it('kill -9 of the engine in mid-answer: incomplete, kept, and continue goes on with a new engine', async () => {
    const running = home.start(['--json', '-o', 'temperature=0', 'Write a long story about a lighthouse.'])
    await running.untilStdout(/(text-delta[^\n]*\n.*){5}/s)
    const service = await home.servicePid()
    assert.ok(service)
    const engine = findEngine(service)
    assert.ok(engine)
    process.kill(engine, 'SIGKILL')
    const result = await running.ended
    const events = toEvents(result.stdout) as unknown as Event[]
    assert.equal(result.code, 7, result.stdout)
    assert.equal(endOf(events)?.state, 'incomplete')
    assert.equal(endOf(events)?.error?.code, 'engine-died')
    const continued = await home.lmapp(['continue', events[0]?.message ?? '', '-o', 'max_tokens=20'])
    assert.ok([0, 10].includes(continued.code ?? -1), continued.stderr)
    assert.ok(continued.stdout.trim().length > 0)
    const shown = JSON.parse((await home.lmapp(['history', 'show', events[0]?.message ?? '', '--json'])).stdout)
    assert.ok(shown.messages[1].text.startsWith(textOf(events)))
  })

  it('kill -9 of the service: its engine ends with it', async () => {
    await ask('Say hello.')
    const service = await home.servicePid()
    assert.ok(service)
    const engine = findEngine(service)
    assert.ok(engine && isAlive(engine))
    process.kill(service, 'SIGKILL')
    await untilGone(engine)
  })

  it('a file that is cut short is refused before the engine sees it', async () => {
    const { copyFile, truncate } = await import('node:fs/promises')
    const model = JSON.parse((await home.lmapp(['models', 'show', 'smollm2-135m', '--json'])).stdout).path
    const broken = `${home.dir}/data/models/broken.gguf`
    await copyFile(model, broken)
    await truncate(broken, 1_000_000)
    const result = await home.lmapp(['-m', 'embedded/broken', 'Hello?'])
    assert.ok([5, 11].includes(result.code ?? -1), `${result.code} ${result.stderr}`)
    const next = await home.lmapp(['-o', 'max_tokens=4', '-q', 'Hello?'])
    assert.ok([0, 10].includes(next.code ?? -1), `the engine lives on: ${next.stderr}`)
  })
})

function endOfPrompt(events: Event[]): number {
  return events.at(-1)?.usage?.inputTokens ?? 0
}
