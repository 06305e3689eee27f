import assert from 'node:assert/strict'
import type { Backend, Health } from '../../backend.ts'
import {
  assertAnswers,
  assertBecomesIdle,
  assertCode,
  assertFinish,
  onFirstDelta,
  type Proof,
  type ProofContext,
  toRequest,
} from '../proof.ts'
import { tryChat } from '../read-chat.ts'

export const healthProofs = {
  'health.before-start': async ({ open }) => assertIdle(await (await open()).isRunning()),

  'health.running': async (context) => {
    await assertBecomesIdle(context)
    const health = await context.backend.isRunning()
    assertIdle(health)
    assert.equal(health.running, true)
    assert.equal(health.state, 'running')
  },

  'health.while-chatting': async (context) => {
    const { backend, signal } = context
    let seen: Health | undefined
    const chat = backend.chat(toRequest(context, context.prompts.long, { options: { maxTokens: 1024 } }), { signal })
    for await (const part of chat) {
      if (part.type !== 'text-delta' && part.type !== 'reasoning-delta') continue
      seen = await backend.isRunning()
      break
    }
    assert.ok(seen, 'The chat gave no delta.')
    assertHealth(seen)
    assert.ok(seen.active >= 1, 'It does not count the chat as active.')
  },

  'health.after-stop': async (context) => {
    const backend = await openStarted(context)
    await assertAnswers(context, backend)
    await backend.stop()
    assertIdle(await backend.isRunning())
  },
} satisfies Record<string, Proof>

export const lifecycleProofs = {
  'lifecycle.start-twice': async (context) => {
    const backend = await openStarted(context)
    await backend.start()
    await assertAnswers(context, backend)
  },

  'lifecycle.starts-join': async (context) => {
    const backend = await context.open()
    await Promise.all([backend.start(), backend.start(), backend.start()])
    await assertAnswers(context, backend)
  },

  'lifecycle.stop-twice': async (context) => {
    const backend = await context.open()
    await backend.stop()
    await backend.start()
    await backend.stop()
    await backend.stop()
  },

  'lifecycle.restart': async (context) => {
    const backend = await openStarted(context)
    await backend.stop()
    await backend.start()
    await assertAnswers(context, backend)
  },

  'lifecycle.stop-during-start': async (context) => {
    const backend = await context.open()
    const starting = settle(backend.start())
    await backend.stop()
    const error = await starting
    if (error !== undefined) assertCode(error, ['backend-stopped', 'backend-start-failed', 'cancelled'])
    assertIdle(await backend.isRunning())
    await backend.start()
    await assertAnswers(context, backend)
  },

  'lifecycle.start-aborted': async (context) => {
    const backend = await context.open()
    const controller = new AbortController()
    const starting = settle(backend.start({ signal: controller.signal }))
    controller.abort()
    const error = await starting
    if (error !== undefined) assertCode(error, ['cancelled'])
    await backend.start()
    await assertAnswers(context, backend)
  },

  'lifecycle.stop-ends-chats': async (context) => {
    const backend = await openStarted(context)
    const request = toRequest(context, context.prompts.long, { options: { maxTokens: 2048 } })
    const stop = onFirstDelta(() => backend.stop())
    const { transcript, error } = await tryChat(backend.chat(request, { signal: context.signal }), stop)
    if (error === undefined) assertFinish(transcript, 'cancelled')
    else assertCode(error, ['backend-stopped'])
    assert.equal(context.signal.aborted, false, 'Stop did not end the chat.')
    await assertBecomesIdle(context, backend)
  },

  'lifecycle.dispose': async (context) => {
    const backend = await openStarted(context)
    await backend[Symbol.asyncDispose]()
    await backend[Symbol.asyncDispose]()
    assertIdle(await backend.isRunning())
  },
} satisfies Record<string, Proof>

async function openStarted(context: ProofContext): Promise<Backend> {
  const backend = await context.open()
  await backend.start({ signal: context.signal })
  return backend
}

/** What it rejects with, if it does. */
function settle(promise: Promise<void>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error ?? new Error('It rejected with nothing at all.'),
  )
}

function assertIdle(health: Health): void {
  assertHealth(health)
  assert.equal(health.active, 0, 'A chat counts as active.')
  assert.equal(health.queued, 0, 'A chat counts as queued.')
}

function assertHealth(health: Health): void {
  assert.equal(typeof health.running, 'boolean')
  assert.ok(['stopped', 'starting', 'running', 'stopping', 'failed'].includes(health.state), `state ${health.state}`)
  assert.ok(Number.isInteger(health.active) && health.active >= 0, `active is ${health.active}.`)
  assert.ok(Number.isInteger(health.queued) && health.queued >= 0, `queued is ${health.queued}.`)
  for (const { id, state, progress } of health.models) {
    assert.ok(id, 'A model has no id.')
    assert.ok(['unloaded', 'loading', 'ready'].includes(state), `Model ${id} is ${state}.`)
    assert.ok(progress === undefined || (progress >= 0 && progress <= 1), `Model ${id} is loaded to ${progress}.`)
  }
}
