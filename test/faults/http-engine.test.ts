/**
 * The `ollama` backend over real HTTP, asked by the real command; the bytes of the engine are written by hand, as faults
 * must be. What every engine has to bear is in `matrix.test.ts`.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { ask, type Outcome } from '../support/ask.ts'
import { bare, createHome, type Home } from '../support/home.ts'
import { restOf } from './matrix/dialect.ts'

const timeouts = { connectMs: 2000, stallMs: 1000, loadMs: 1500 }

describe('an Ollama that fails', () => {
  let home: Home
  let engine: FakeEngine
  let stranger: FakeEngine
  let itself: FakeEngine
  let locked: FakeEngine
  const cut = new Map<string, ServerResponse>()

  before(async () => {
    engine = await startEngine(replies(cut))
    stranger = await startServer((_request, response) => response.end('<h1>It works!</h1>'))
    itself = await startServer((request, response) => {
      response.setHeader('x-lmapp', '0.1.0')
      if (!answerAsOllama(request, response)) response.end(line('Who is there?') + done())
    })
    locked = await startServer((_request, response) => response.writeHead(401).end('{"error":"unauthorized"}'))
    const boxes = { box: engine, stranger, itself, locked }
    home = await createHome({
      backends: { ...bare.backends, ...mapValues(boxes, ({ url }) => ({ type: 'ollama', url })) },
      aliases: { both: ['box/500', 'box/loading-fails'] },
      timeouts,
    })
  })
  after(async () => {
    await home[Symbol.asyncDispose]()
    for (const server of [engine, stranger, itself, locked]) await server[Symbol.asyncDispose]()
  })

  const cases: Case[] = [
    { fault: 'no Ollama there', model: 'stranger/m', code: 3, state: 'failed', error: 'backend-not-identified' },
    { fault: 'lmapp itself there', model: 'itself/m', code: 3, state: 'failed', error: 'backend-not-identified' },
    { fault: 'a 401 to everything', model: 'locked/m', code: 9, state: 'failed', error: 'unauthorized' },
    { fault: 'two candidates with a 500', model: 'both', code: 3, state: 'failed', error: 'candidates-failed' },
    {
      fault: 'a model that does not load',
      model: 'box/loading-fails',
      code: 5,
      state: 'failed',
      error: 'model-load-failed',
    },
    { fault: 'a 404', model: 'box/404', code: 4, state: 'failed', error: 'model-not-found', chats: 1 },
    { fault: 'a 401', model: 'box/401', code: 9, state: 'failed', error: 'unauthorized', chats: 1 },
    { fault: 'a 429', model: 'box/429', code: 12, state: 'failed', error: 'rate-limited', chats: 1 },
    { fault: 'a 503', model: 'box/503', code: 12, state: 'failed', error: 'busy', chats: 1 },
    { fault: 'a reset before the first token', model: 'box/reset', code: 5, state: 'failed', error: 'engine-failed' },
    {
      fault: 'an error line that says that the runner died',
      model: 'box/runner-died',
      code: 7,
      state: 'incomplete',
      error: 'engine-died',
      text: 'One two three',
    },
    {
      fault: 'a line without an end',
      model: 'box/endless-line',
      code: 7,
      state: 'incomplete',
      error: 'stream-malformed',
      text: 'One two three',
      hungUp: true,
    },
    {
      fault: 'silence in mid-answer',
      model: 'box/silence',
      code: 8,
      state: 'incomplete',
      error: 'stalled',
      text: 'One two three',
      hungUp: true,
    },
    { fault: 'an answer without a word', model: 'box/empty', code: 7, state: 'failed', error: 'answer-empty' },
    { fault: 'done_reason length', model: 'box/length', code: 10, state: 'length', text: 'One two three' },
  ]

  for (const { fault, model, code, state, error, text = '', chats, hungUp } of cases) {
    it(`${fault}: exit ${code}, ${state}, and what is printed is kept`, async () => {
      const name = model.replace('box/', '')
      const outcome = await ask(home, ['-m', model])
      assert.equal(outcome.code, code, outcome.stderr)
      assert.equal(outcome.events.filter(({ type }) => type === 'end').length, 1)
      assert.deepEqual([outcome.end.type, outcome.end.state, outcome.end.error?.code], ['end', state, error])
      if (error) assert.ok(outcome.end.error?.hint, 'there is a hint')
      assert.equal(outcome.printed, text)
      assert.deepEqual(
        outcome.kept.map((message) => [message.role, message.text, message.state]),
        [
          ['user', 'Count.', 'complete'],
          ['assistant', text, state],
        ],
      )
      const response = cut.get(name)
      if (hungUp && !response?.destroyed) await once(response as ServerResponse, 'close')
      if (chats !== undefined) assert.equal(engine.chats.get(name), chats, 'so often it was asked')
    })
  }

  it('the models that are there are named where one is missing, and so is the command that fetches it', async () => {
    const { end } = await ask(home, ['-m', 'box/404'])
    assert.deepEqual(end.error?.details?.known, ['healthy:latest'])
    assert.match(end.error?.hint ?? '', /lmapp models pull/)
  })

  it('in words: what arrived is on stdout, the error and the next command on stderr', async () => {
    const result = await home.lmapp(['-m', 'box/clean-end', 'Count.'])
    assert.equal(result.code, 7)
    assert.equal(result.stdout, 'One two three\n')
    assert.match(result.stderr, /^lmapp: /m)
    assert.match(result.stderr, /lmapp continue/)
  })
})

describe('two Ollamas, of which the first fails', () => {
  let home: Home
  let one: FakeEngine
  let two: FakeEngine
  const cut = new Map<string, ServerResponse>()
  const names = ['reset', 'cut', 'goes-on', 'single', 'breaker'] as const
  let revived: FakeEngine | undefined
  let broken: Outcome | undefined
  let next: Outcome | undefined
  let port = 0

  before(async () => {
    one = await startEngine(replies(cut))
    two = await startEngine(replies(new Map()))
    const gone = await startServer(() => {})
    port = gone.port
    await gone[Symbol.asyncDispose]()
    // Each alias has backends, and so breakers, of its own; all of them lead to the same two engines.
    const backends = names.flatMap((name) => [
      [`${name}-1`, { type: 'ollama', url: name === 'breaker' ? gone.url : one.url }],
      [`${name}-2`, { type: 'ollama', url: two.url }],
    ])
    home = await createHome({
      backends: { ...bare.backends, ...Object.fromEntries(backends) },
      aliases: {
        reset: ['reset-1/reset', 'reset-2/healthy'],
        cut: ['cut-1/cut', 'cut-2/healthy'],
        'goes-on': ['goes-on-1/week-cut', 'goes-on-2/week'],
        single: ['single-1/500', 'single-2/healthy'],
        breaker: ['breaker-1/healthy', 'breaker-2/healthy'],
      },
      timeouts,
    })
  })
  after(async () => {
    await home[Symbol.asyncDispose]()
    for (const server of [one, two, revived]) await server?.[Symbol.asyncDispose]()
  })

  const handovers = ({ events }: Outcome) =>
    events
      .filter(({ type }) => type === 'handover')
      .map(({ from, to, reason }) => [from, to, (reason as { code: string }).code])

  it('before its first token: the second answers, exit 0, and a handover is told', async () => {
    const outcome = await ask(home, ['-m', 'reset'])
    assert.equal(outcome.code, 0, outcome.stderr)
    assert.deepEqual(handovers(outcome), [['reset-1/reset', 'reset-2/healthy', 'engine-failed']])
    const first = outcome.events.findIndex(({ type }) => type === 'text-delta')
    assert.ok(outcome.events.findIndex(({ type }) => type === 'handover') < first)
    assert.equal(outcome.printed, 'One two three')
    const answer = outcome.kept.at(-1)
    assert.deepEqual([answer?.state, answer?.text, answer?.model], ['complete', 'One two three', 'reset-2/healthy'])
  })

  it('in mid-sentence, and the second cannot continue exactly: exit 7, what arrived is kept', async () => {
    const breakOff = () => cut.get('cut')?.socket?.resetAndDestroy()
    const outcome = await ask(home, ['-m', 'cut'], { watch: { text: 'three', onText: breakOff } })
    broken = outcome
    assert.equal(outcome.code, 7, outcome.stderr)
    assert.deepEqual([outcome.end.state, outcome.end.error?.code], ['incomplete', 'engine-died'])
    assert.equal(outcome.printed, 'One two three')
    assert.deepEqual([outcome.kept.at(-1)?.state, outcome.kept.at(-1)?.text], ['incomplete', 'One two three'])
  })

  it('and where nobody went on, what arrived is stored to be of the first', () => {
    assert.equal(broken?.kept.at(-1)?.model, 'cut-1/cut')
  })

  it('in mid-sentence, and the second goes on: exit 0, and the text is as of one piece', async () => {
    const breakOff = () => cut.get('week-cut')?.socket?.resetAndDestroy()
    const outcome = await ask(home, ['-m', 'goes-on'], { watch: { text: 'Wednesday', onText: breakOff } })
    assert.equal(outcome.code, 0, outcome.stderr)
    assert.deepEqual(handovers(outcome), [['goes-on-1/week-cut', 'goes-on-2/week', 'engine-died']])
    assert.equal(outcome.printed, week.join(''))
    assert.deepEqual([outcome.kept.at(-1)?.state, outcome.kept.at(-1)?.text], ['complete', week.join('')])
  })

  it('--no-failover: only the first is asked, and its own error is told', async () => {
    const before = two.connections
    const outcome = await ask(home, ['-m', 'single', '--no-failover'])
    assert.equal(outcome.code, 5, outcome.stderr)
    assert.deepEqual([outcome.end.state, outcome.end.error?.code], ['failed', 'engine-failed'])
    assert.deepEqual(handovers(outcome), [])
    assert.equal(two.connections, before)
  })

  it('after one refused connection its breaker is open: the next request goes straight to the second', async () => {
    const refused = await ask(home, ['-m', 'breaker'])
    assert.equal(refused.code, 0, refused.stderr)
    assert.deepEqual(handovers(refused), [['breaker-1/healthy', 'breaker-2/healthy', 'backend-unreachable']])
    revived = await startEngine(replies(new Map()), port)
    next = await ask(home, ['-m', 'breaker'])
    assert.equal(next.code, 0, next.stderr)
    assert.equal(next.printed, 'One two three')
    assert.equal(revived.connections, 0)
  })

  it('and is passed over by its open breaker: the answer is said and stored to be of the second', async () => {
    assert.ok(next)
    const told = next.events.flatMap(({ type, model, to }) => (type === 'start' ? [model] : (to ?? [])))
    assert.equal(told.at(-1), 'breaker-2/healthy')
    assert.equal(next.kept.at(-1)?.model, 'breaker-2/healthy')
  })
})

interface Case {
  fault: string
  model: string
  code: number
  state: string
  error?: string
  /** What arrives before the fault. */
  text?: string
  /** How often the engine is asked for an answer. */
  chats?: number
  /** The engine would go on: its connection is closed. */
  hungUp?: true
}

interface FakeEngine extends AsyncDisposable {
  url: string
  port: number
  /** So many were ever opened. */
  connections: number
  /** Requests for an answer, by model. */
  chats: Map<string, number>
}

interface ChatQuestion {
  model: string
  messages: { role: string; content: string }[]
}

type Reply = (response: ServerResponse, question: ChatQuestion) => void

const week = 'Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday and again Monday.'.split(/(?<= )/)

/** How each model answers. What the test itself breaks off is put into `cut`. */
function replies(cut: Map<string, ServerResponse>): Record<string, Reply> {
  const refuse = (status: number, error: string) => (response: ServerResponse) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
  const stream = (text: string) => (response: ServerResponse) => response.end(words + text)
  const keepOpen =
    (text: string) =>
    (response: ServerResponse, { model }: ChatQuestion) => {
      cut.set(model, response)
      response.write(text)
    }
  return {
    healthy: stream(done()),
    500: refuse(500, 'something is broken'),
    'loading-fails': refuse(500, 'unable to load model: /models/blob'),
    404: refuse(404, "model '404' not found"),
    401: refuse(401, 'unauthorized'),
    429: refuse(429, 'too many requests'),
    503: refuse(503, 'server busy, please try again. maximum pending requests exceeded'),
    reset: (response) => response.socket?.resetAndDestroy(),
    cut: keepOpen(words),
    'clean-end': stream(''),
    'runner-died': stream('{"error":"model runner has unexpectedly stopped"}\n'),
    'endless-line': keepOpen(`${words}{"message":{"content":"${'x'.repeat(9_000_000)}`),
    silence: keepOpen(words),
    empty: (response) => response.end(line('') + done()),
    length: stream(done('length')),
    week: (response, question) => response.end(remainingDays(question).map(line).join('') + done()),
    'week-cut': keepOpen(week.slice(0, 3).map(line).join('')),
  }
}

const words = ['One', ' two', ' three'].map(line).join('')

/** Goes on exactly where the partial answer ends. */
function remainingDays({ messages }: ChatQuestion): string[] {
  const last = messages.at(-1)
  return restOf(week, last?.role === 'assistant' ? last.content : '')
}

function line(content: string): string {
  return `${JSON.stringify({ message: { role: 'assistant', content }, done: false })}\n`
}

function done(reason = 'stop'): string {
  const counts = { prompt_eval_count: 40, eval_count: 3 }
  const message = { role: 'assistant', content: '' }
  return `${JSON.stringify({ message, done: true, done_reason: reason, ...counts })}\n`
}

/** An Ollama with one model on its list that answers for every name in `answers`. */
function startEngine(answers: Record<string, Reply>, port = 0): Promise<FakeEngine> {
  return startServer(async (request, response, engine) => {
    if (answerAsOllama(request, response)) return
    const question = await readQuestion(request)
    if (request.url === '/api/show') return response.end(JSON.stringify(describeModel(question.model)))
    engine.chats.set(question.model, (engine.chats.get(question.model) ?? 0) + 1)
    return answers[question.model]?.(response, question)
  }, port)
}

/** What every Ollama answers. True when it was such a request. */
function answerAsOllama({ method, url = '' }: IncomingMessage, response: ServerResponse): boolean {
  const known: Record<string, string> = {
    '/': 'Ollama is running',
    '/api/version': '{"version":"0.17.4"}',
    '/api/ps': '{"models":[]}',
    '/api/tags': JSON.stringify({ models: [{ model: 'healthy:latest', details: {}, capabilities: ['completion'] }] }),
  }
  if (method !== 'GET' || known[url] === undefined) return false
  response.end(known[url])
  return true
}

/** Only `week` has a template that leaves an answer open, so that it can be continued. */
function describeModel(name: string): object {
  const template = name === 'week' ? '{{ .Prompt }}{{ .Response }}' : '{{ range .Messages }}{{ .Content }}{{ end }}'
  return { details: {}, model_info: {}, template, capabilities: ['completion'] }
}

async function readQuestion(request: IncomingMessage): Promise<ChatQuestion> {
  const chunks: Buffer[] = await Array.fromAsync(request)
  const { model, messages = [] } = JSON.parse(Buffer.concat(chunks).toString())
  return { model: model.replace(':latest', ''), messages }
}

/** On loopback. Disposing cuts every connection. */
async function startServer(
  handle: (request: IncomingMessage, response: ServerResponse, engine: FakeEngine) => unknown,
  port = 0,
): Promise<FakeEngine> {
  const server = createServer((request, response) => {
    response.on('error', () => {})
    handle(request, response, engine)
  })
  server.on('connection', () => {
    engine.connections += 1
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  const engine: FakeEngine = {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    connections: 0,
    chats: new Map(),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return engine
}

function mapValues<From, To>(values: Record<string, From>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, to(value)]))
}
