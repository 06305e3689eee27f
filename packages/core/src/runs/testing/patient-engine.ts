import { type CallOptions, type ChatRequest, type RunEvent, type Status, toText } from 'lmapp-kit'
import { createMockBackend } from 'lmapp-kit/testkit'
import type { BackendType } from '../../backends/backend-type.ts'
import { openCore, toQuestion } from '../../testing/open-core.ts'
import type { Run, RunRequest } from '../run.ts'

/** An engine that is asked, says one word, and goes on when it is told to. */
export function createPatient(name = 'patient') {
  /** The questions, in the order in which it was asked. */
  const asked: string[] = []
  const answering = new Map<string, { finish: () => void; fail: (error: Error) => void }>()
  let deaf = false
  let waiting: { question: string; resolve: () => void } | undefined
  const type: BackendType = {
    name,
    execution: 'built-in',
    owner: 'external',
    create: () =>
      Object.assign(createMockBackend({ models: { m: {} } }), {
        async *chat({ messages }: Pick<ChatRequest, 'messages'>, { signal }: CallOptions = {}) {
          const question = toText(messages.at(-1)?.content ?? [])
          const { promise, resolve, reject } = Promise.withResolvers<void>()
          promise.catch(() => {})
          if (!deaf) signal?.addEventListener('abort', () => reject(signal.reason))
          asked.push(question)
          answering.set(question, { finish: resolve, fail: reject })
          if (waiting?.question === question) waiting.resolve()
          await promise
          yield { type: 'text-delta' as const, text: 'Well.' }
          yield { type: 'finish' as const, reason: 'stop' as const, usage: { outputTokens: 1 } }
        },
      }),
  }
  return {
    type,
    asked,
    /** Resolves when it is asked this. */
    async untilAsked(question: string): Promise<void> {
      if (asked.includes(question)) return
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting = { question, resolve }
      await promise
    },
    /** From now on it does not listen when it is told to stop. */
    becomeDeaf() {
      deaf = true
    },
    finish: (question: string) => answering.get(question)?.finish(),
    fail: (question: string, error: Error) => answering.get(question)?.fail(error),
  }
}

export async function openPatient(parallel: number, more: Partial<Parameters<typeof openCore>[0]> = {}) {
  const engine = createPatient()
  const core = await openCore({
    boxes: {},
    types: [engine.type],
    ...more,
    backends: { box: { type: 'patient', parallel }, ...more.backends },
  })
  const ask = (text: string, request: Partial<RunRequest> = {}) =>
    core.runs.start(toQuestion(text, { model: 'box/m', save: false, ...request }))
  const box = await core.registry.get('box', {})
  return {
    core,
    engine,
    ask,
    admission: box.admission,
    [Symbol.asyncDispose]: () => core[Symbol.asyncDispose](),
  }
}

export const fill = (count: number, name: string) => Array.from({ length: count }, (_, n) => `${name}${n + 1}`)

export async function eventsOf(run: Run): Promise<RunEvent[]> {
  const events = await Array.fromAsync(run.events({ from: 0 }))
  return events.flatMap(({ event }) => (event.type === 'snapshot' ? [] : [event]))
}

export function textOf(events: readonly RunEvent[]): string {
  return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('')
}

/** Resolves with the first status of this phase. */
export async function untilPhase(run: Run, phase: Status['phase']): Promise<Status> {
  for await (const { event } of run.events({ from: 0 }))
    if (event.type === 'status' && event.phase === phase) return event
  throw new Error(`It ended without ${phase}.`)
}
