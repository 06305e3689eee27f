import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErrorCode } from 'lmapp-kit'
import { ask, report, type Scenario, toSaid, toSeen } from './scenario.ts'

/** What can become of a question once it is asked. */
export const answers = {
  unsupported: async (world) => {
    const image = join(world.home.dir, 'dot.png')
    await writeFile(image, Buffer.from(dot, 'base64'))
    return ask(world, 'box/echo', { more: ['-f', image] })
  },
  'not-supported-yet': (world) => ask(world, 'by-grpc/any'),

  'no-backend': async (world) => report(world, ['Count.'], (await world.elsewhere('without-engines')).options),
  'backend-unreachable': (world) => ask(world, 'nobody/any'),
  'backend-not-identified': (world) => ask(world, 'mistaken/any'),
  'backend-refused': (world) => ask(world, 'vllm/404'),
  'candidates-failed': (world) => ask(world, 'both'),

  'model-not-found': (world) => ask(world, 'no-such-model'),
  'model-ambiguous': (world) => ask(world, 'same'),

  'backend-start-failed': (world) => ask(world, 'without-program/any'),
  'model-load-failed': (world) => ask(world, 'vllm/load-fails'),
  'engine-failed': (world) => ask(world, 'vllm/500'),
  'protocol-violation': (world) => ask(world, 'stranger/breaks'),
  'interface-version': (world) => ask(world, 'from-tomorrow/any'),
  'backend-stopped': async ({ home }) => {
    const running = home.start(['-m', 'stranger/reads-on', '--json', 'Count.'])
    await running.untilStdout('"prompt"')
    await home.lmapp(['backends', 'stop', 'stranger'])
    const { code, stdout, stderr } = await running.ended
    return toSeen(code, stdout, stderr)
  },
  'model-too-large': (world) => ask(world, 'embedded/giant'),
  'wrong-model': (world) => ask(world, 'vllm/other'),
  'not-a-model': (world) => ask(world, 'embedded/broken'),

  'context-overflow': (world) => ask(world, 'vllm/small', { stdin: 'word '.repeat(100) }),

  'stream-incomplete': (world) => ask(world, 'vllm/clean-end'),
  'stream-malformed': (world) => ask(world, 'vllm/garbage'),
  'engine-died': (world) => ask(world, 'vllm/dies'),
  'answer-empty': (world) => ask(world, 'vllm/empty'),
  'prompt-truncated': (world) => ask(world, 'vllm/reads-little', { stdin: 'several words '.repeat(50) }),
  'content-filtered': (world) => ask(world, 'vllm/filtered'),
  'schema-mismatch': async (world) => {
    const schema = join(world.home.dir, 'schema.json')
    await writeFile(schema, '{ "type": "object" }')
    return ask(world, 'box/free', { more: ['--schema', schema] })
  },
  'run-crashed': async ({ home }) => {
    const running = home.start(['-m', 'box/endless', '--no-save', '--json', 'Go on.'])
    await running.untilStdout('text-delta')
    process.kill((await home.servicePid()) ?? Number.NaN, 'SIGKILL')
    const { code, stdout, stderr } = await running.ended
    return toSeen(code, stdout, stderr)
  },

  stalled: (world) => ask(world, 'vllm/silent'),

  unauthorized: (world) => ask(world, 'vllm/401'),
  forbidden: (world) => ask(world, 'vllm/403'),

  busy: (world) => ask(world, 'vllm/503'),
  'rate-limited': (world) => ask(world, 'vllm/429'),

  cancelled: async ({ home }) => {
    const running = home.start(['-m', 'box/endless', 'Go on.'])
    await running.untilStdout('on and ')
    running.process.kill('SIGINT')
    return toSaid(await running.ended)
  },
} as const satisfies Partial<Record<ErrorCode, Scenario>>

/** A picture of one pixel. */
const dot = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
