import { createClient, createFetchTransport } from 'lmapp-client'
import { createHome, type Home, type Running, until, withMock } from '../../support/home.ts'
import { weatherAnswer } from './client.ts'

export const reply = 'One two three four five six seven eight nine ten.'
/** What has arrived when a fault comes in the middle of the answer. */
export const begun = 'One two three '

/** What the thinking model thinks. */
export const thought = 'The question is simple.'
/** The answer that takes seconds. */
export const slowReply = 'and on '.repeat(20).trimEnd()

/** In the middle of an answer, which is then never taken for a whole one. */
export const faultsMidAnswer = ['drop', 'clean-end', 'error', 'malformed', 'stall'] as const

/** Before the first word: the status says it. */
export const faultsBefore = [
  'refuse',
  'fail-at-once',
  'hang',
  'load-fails',
  'drop-at-once',
  'clean-end-at-once',
  'error-at-once',
  'malformed-at-once',
  'stall-at-once',
  'empty',
] as const

const toScript = (fault: string): object => {
  if (fault === 'load-fails') return { reply, load: { steps: 2, stepMs: 1, fail: true } }
  if (fault === 'empty') return { reply: '' }
  const [, kind, atOnce] = /^(.*?)(-at-once)?$/.exec(fault) ?? []
  if (fault === 'fail-at-once') return { reply, fault: { kind: fault } }
  return { reply, fault: { kind, afterTokens: atOnce ? 0 : 3 } }
}

const good = {
  count: { reply },
  echo: {},
  'slow-load': { reply, load: { steps: 5, stepMs: 100 } },
  endless: { reply: 'and on ', repeatTokens: 100_000, paceMs: 20, parallel: 16 },
  silent: { promptMs: 100_000 },
  weather: { reply: weatherAnswer, toolCall: { name: 'get_weather', arguments: { city: 'Paris' } } },
  embedder: { embedDimensions: 8 },
  seeing: { reply, seesImages: true },
  thinker: { reply, reasoningText: thought },
  tiny: { reply, contextLength: 16 },
}

const faulty = {
  ...Object.fromEntries([...faultsMidAnswer, ...faultsBefore].map((fault) => [fault, toScript(fault)])),
  // The service itself tries once more, so the client's second request is the first to succeed.
  ...Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [
      `passing-${index}`,
      { reply, fault: { kind: 'fail-at-once', times: 2 } },
    ]),
  ),
}

const timeouts = { connectMs: 2000, stallMs: 1000, loadMs: 1000 }

/** The real command, serving a scripted engine. */
export interface World extends AsyncDisposable {
  readonly home: Home
  readonly address: string
  /** Resolves when so many runs are running. */
  untilRunning(count: number): Promise<void>
  /** Ends the service as the kernel does. */
  kill(): void
}

export async function openWorld(): Promise<World> {
  const config = withMock(good, { timeouts }) as { backends: object }
  return await serve(
    await createHome({ ...config, backends: { ...config.backends, faulty: { type: 'mock', models: faulty } } }),
  )
}

export async function serve(home: Home): Promise<World> {
  const serving = home.start(['serve', '--port', '0'])
  const stdout = await serving.untilStdout('\n')
  const address = stdout.slice(0, stdout.indexOf('\n'))
  const guest = createClient({ transport: createFetchTransport({ baseUrl: address }) })
  return {
    home,
    address,
    async untilRunning(count) {
      await until(async () => ((await guest.health()).activeRuns === count ? true : undefined))
    },
    kill: () => void serving.process.kill('SIGKILL'),
    [Symbol.asyncDispose]: () => close(home, serving),
  }
}

async function close(home: Home, serving: Running): Promise<void> {
  serving.process.kill('SIGTERM')
  await serving.ended
  await home[Symbol.asyncDispose]()
}
