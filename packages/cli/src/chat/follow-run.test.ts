import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RunEnd } from 'lmapp-kit'
import { runCommand } from '../run.ts'
import {
  complete,
  createRunFeed,
  createScriptedService,
  type Reply,
  type RunFeed,
  type ScriptedService,
  start,
  text,
} from '../testing/scripted-service.ts'
import { createTestContext, type TestContextOptions } from '../testing/test-context.ts'

const stopped: RunEnd = { ...complete, state: 'stopped', reason: 'cancelled' }
const notFound = { code: 'not-found', message: 'No such run.' } as const
const unreachable = { code: 'service-unavailable', message: 'gone', details: { stage: 'connect' } } as const

function ask(service: ScriptedService, options: TestContextOptions = {}, ...argv: string[]) {
  const context = createTestContext({ connect: service.connect, ...options })
  return { context, done: runCommand(context, [...argv, 'why?']) }
}

/** Cancelling makes the run end as `ending`. */
function cancellable(feed: RunFeed, ending: RunEnd = stopped): ScriptedService {
  return createScriptedService(({ route }): Reply => {
    if (route === 'POST /runs') return { run: 'r1', feed }
    if (route !== 'POST /runs/r1/cancel') throw new Error(route)
    feed.push(ending)
    return { json: {} }
  })
}

function routes({ requests }: ScriptedService): string[] {
  return requests.map(({ route }) => route)
}

describe('stopping an answer', () => {
  it('by Ctrl-C cancels the run, waits for its stored end and exits with 130', async () => {
    const feed = createRunFeed().push(start, text('The sky'))
    const service = cancellable(feed)
    const { context, done } = ask(service)
    await context.stdout.until(/sky/)
    context.send('SIGINT')
    assert.equal(await done, 130)
    assert.deepEqual(routes(service), ['POST /runs', 'POST /runs/r1/cancel'])
    assert.equal(context.stdout.text, 'The sky\n')
    assert.match(context.stderr.text, /stopped; what arrived is kept. Go on with it: lmapp continue/)
  })

  it('by SIGTERM exits with 143', async () => {
    const feed = createRunFeed().push(start, text('The sky'))
    const { context, done } = ask(cancellable(feed))
    await context.stdout.until(/sky/)
    context.send('SIGTERM')
    assert.equal(await done, 143)
  })

  it('is too late when the answer is complete, and still says that it was stopped', async () => {
    const feed = createRunFeed().push(start, text('The sky'))
    const { context, done } = ask(cancellable(feed, complete))
    await context.stdout.until(/sky/)
    context.send('SIGINT')
    assert.equal(await done, 130)
    assert.equal(context.stderr.text, '')
  })

  it('by a second Ctrl-C leaves at once', async () => {
    const feed = createRunFeed().push(start, text('The sky'))
    const asked = Promise.withResolvers<void>()
    const service = createScriptedService(({ route }) => {
      if (route === 'POST /runs') return { run: 'r1', feed }
      asked.resolve()
      return new Promise<never>(() => {})
    })
    const { context, done } = ask(service)
    await context.stdout.until(/sky/)
    context.send('SIGINT')
    await asked.promise
    context.send('SIGINT')
    assert.equal(await done, 130)
  })

  it('before the run exists cancels it as soon as it does', async () => {
    const feed = createRunFeed().push(start)
    const asked = Promise.withResolvers<void>()
    const created = Promise.withResolvers<Reply>()
    const service = createScriptedService(({ route }) => {
      if (route === 'POST /runs') {
        asked.resolve()
        return created.promise
      }
      feed.push(stopped)
      return { json: {} }
    })
    const { context, done } = ask(service)
    await asked.promise
    context.send('SIGINT')
    created.resolve({ run: 'r1', feed })
    assert.equal(await done, 130)
    assert.equal(routes(service).at(-1), 'POST /runs/r1/cancel')
  })

  it('before there is a connection leaves at once', async () => {
    const asked = Promise.withResolvers<void>()
    const context = createTestContext({
      connect: () => {
        asked.resolve()
        return new Promise(() => {})
      },
    })
    const done = runCommand(context, ['why?'])
    await asked.promise
    context.send('SIGINT')
    assert.equal(await done, 130)
  })

  it('by a reader of stdout that leaves cancels it, in silence', async () => {
    const feed = createRunFeed().push(start, text('The sky'))
    const service = cancellable(feed)
    const { context, done } = ask(service)
    await context.stdout.until(/sky/)
    context.stdout.break('EPIPE')
    assert.equal(await done, 0)
    assert.deepEqual(routes(service), ['POST /runs', 'POST /runs/r1/cancel'])
    assert.equal(context.stderr.text, '')
  })

  it('by a reader of stdout that leaves is silent even when it failed, as JSON too', async () => {
    const died: RunEnd = { ...complete, state: 'incomplete', error: { code: 'engine-died', message: 'It died.' } }
    for (const argv of [[], ['--json']]) {
      const feed = createRunFeed().push(start, text('The sky'))
      const { context, done } = ask(cancellable(feed, died), {}, ...argv)
      await context.stdout.until(/sky/)
      context.stdout.break('EPIPE')
      assert.equal(await done, 0)
      assert.equal(context.stderr.text, '')
    }
  })

  it('from elsewhere exits with 7', async () => {
    const feed = createRunFeed().push(start, text('The sky'), stopped)
    const { done } = ask(cancellable(feed))
    assert.equal(await done, 7)
  })
})

describe('a terminal that closes', () => {
  it('cancels nothing and exits with 129', async () => {
    const feed = createRunFeed().push(start, text('The sky'))
    const service = cancellable(feed)
    const { context, done } = ask(service)
    await context.stdout.until(/sky/)
    context.send('SIGHUP')
    assert.equal(await done, 129)
    assert.deepEqual(routes(service), ['POST /runs'])
  })

  it('lets the question reach the service first', async () => {
    const asked = Promise.withResolvers<void>()
    const created = Promise.withResolvers<Reply>()
    const service = createScriptedService(() => {
      asked.resolve()
      return created.promise
    })
    const { context, done } = ask(service)
    await asked.promise
    context.send('SIGHUP')
    created.resolve({ run: 'r1', feed: createRunFeed() })
    assert.equal(await done, 129)
  })
})

describe('a slow reader of stdout', () => {
  it('is waited for', async () => {
    const feed = createRunFeed().push(start, text('one'), text('two'), complete)
    const { context, done } = ask(cancellable(feed), { stdout: { slow: true } })
    await context.stdout.until(/one/)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(context.stdout.text, 'one')
    context.stdout.drain()
    await context.stdout.until(/two/)
    context.stdout.drain()
    await context.stdout.until(/\n/)
    context.stdout.drain()
    assert.equal(await done, 0)
  })
})

describe('a connection that breaks in the middle', () => {
  const kept = (answer: object) => ({
    json: { id: 'c1', messages: [{ id: 'm1', role: 'assistant', parts: [], usage: null, timings: null, ...answer }] },
  })

  it('is taken up where it broke when the service still has the run', async () => {
    const first = createRunFeed().push(start, text('The sky')).lose()
    const second = createRunFeed(3).push(text(' is blue'), complete)
    const service = createScriptedService(({ route }) => ({
      run: 'r1',
      feed: route === 'POST /runs' ? first : second,
    }))
    const { context, done } = ask(service)
    assert.equal(await done, 0)
    assert.equal(context.stdout.text, 'The sky is blue\n')
    assert.deepEqual(routes(service), ['POST /runs', 'GET /runs/r1/events?from=2'])
    assert.equal(service.connections, 2)
  })

  it('goes on with the stored answer when the service died and the text is exact', async () => {
    const first = createRunFeed().push(start, text('The sky')).lose()
    const second = createRunFeed().push({ ...start, run: 'r2' }, text(' blue'), complete)
    const service = createScriptedService(({ route, body }) => {
      if (route === 'POST /runs') return { run: 'r1', feed: body.kind === 'continue' ? second : first }
      if (route.startsWith('GET /runs')) return { error: notFound }
      return kept({ text: 'The sky is', state: 'crashed' })
    })
    const { context, done } = ask(service, {}, '--no-failover')
    assert.equal(await done, 0)
    assert.equal(context.stdout.text, 'The sky is blue\n')
    assert.equal(
      context.stderr.text,
      'lmapp: warning: The service ended in the middle of the answer; a new one goes on with it.\n',
    )
    assert.deepEqual(service.requests.at(-1)?.body, {
      kind: 'continue',
      conversation: 'c1',
      message: 'm1',
      terminal: 'named:test',
      failover: false,
    })
  })

  it('prints what is missing when the stored answer has ended', async () => {
    const first = createRunFeed().push(start, text('The sky')).lose()
    const service = createScriptedService(({ route }) => {
      if (route === 'POST /runs') return { run: 'r1', feed: first }
      if (route.startsWith('GET /runs')) return { error: notFound }
      return kept({ text: 'The sky is blue', state: 'complete', usage: { outputTokens: 4 } })
    })
    const { context, done } = ask(service, {}, '--json')
    assert.equal(await done, 0)
    const lines = context.stdout.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual(lines.at(-2), { type: 'text-delta', text: ' is blue' })
    assert.equal(lines.at(-1).state, 'complete')
    assert.equal(lines.filter(({ type }) => type === 'end').length, 1)
  })

  it('is an incomplete answer when what is stored is less than what was printed', async () => {
    const first = createRunFeed().push(start, text('The sky')).lose()
    const service = createScriptedService(({ route }) => {
      if (route === 'POST /runs') return { run: 'r1', feed: first }
      if (route.startsWith('GET /runs')) return { error: notFound }
      return kept({ text: 'The', state: 'crashed' })
    })
    const { context, done } = ask(service)
    assert.equal(await done, 7)
    assert.equal(context.stdout.text, 'The sky\n')
    assert.match(context.stderr.text, /lmapp continue m1/)
  })

  it('is an incomplete answer when nothing was saved', async () => {
    const { conversation: _, ...unsaved } = start
    const first = createRunFeed().push(unsaved, text('The sky')).lose()
    const service = createScriptedService(({ route }) =>
      route === 'POST /runs' ? { run: 'r1', feed: first } : { error: notFound },
    )
    const { context, done } = ask(service, {}, '-n')
    assert.equal(await done, 7)
    assert.match(context.stderr.text, /nothing was saved/)
  })

  it('is an incomplete answer when the service cannot be found again', async () => {
    const first = createRunFeed().push(start, text('The sky')).lose()
    const service = createScriptedService(({ route }) =>
      route === 'POST /runs' ? { run: 'r1', feed: first } : { error: unreachable },
    )
    const { done } = ask(service)
    assert.equal(await done, 7)
  })

  it('does not go on when the user has stopped it', async () => {
    const first = createRunFeed().push(start, text('The sky'))
    const service = createScriptedService(({ route }) => {
      if (route === 'POST /runs') return { run: 'r1', feed: first }
      first.lose()
      return { json: {} }
    })
    const { context, done } = ask(service)
    await context.stdout.until(/sky/)
    context.send('SIGINT')
    assert.equal(await done, 130)
    assert.equal(service.connections, 1)
  })
})

describe('a service that left before the question reached it', () => {
  it('is started again, and the question goes again', async () => {
    const feed = createRunFeed().push(start, text('Here.'), complete)
    let refused = false
    const service = createScriptedService(() => {
      if (refused) return { run: 'r1', feed }
      refused = true
      return { error: unreachable }
    })
    const { context, done } = ask(service)
    assert.equal(await done, 0)
    assert.equal(context.stdout.text, 'Here.\n')
    assert.equal(service.connections, 2)
  })

  it('is an error of its own when the question may have arrived', async () => {
    const service = createScriptedService(() => ({
      error: { code: 'service-unavailable', message: 'gone', details: { stage: 'answer' } },
    }))
    assert.equal(await ask(service).done, 11)
    assert.equal(service.connections, 1)
  })
})
