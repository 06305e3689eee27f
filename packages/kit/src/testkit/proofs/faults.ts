import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { ErrorCode } from '../../errors/error-table.ts'
import type { ScenarioName } from '../harness.ts'
import {
  assertAnswers,
  assertBecomesIdle,
  assertCode,
  assertFinish,
  assertRefused,
  codeOf,
  onFirstDelta,
  type Proof,
  type ProofContext,
  toRequest,
} from '../proof.ts'
import { readChat, tryChat } from '../read-chat.ts'

export const faultProofs = {
  'fault.slow-load': async (context) => {
    const { backend, signal } = context
    const { statuses, text } = await readChat(backend.chat(toFaulty(context, 'slowLoad'), { signal }))
    const loading = statuses.filter((status) => status.phase === 'loading' && status.progress !== undefined)
    assert.ok(loading.length >= 2, `There were ${loading.length} loading statuses with progress.`)
    const [first, last] = [loading.at(0)?.progress?.done ?? 0, loading.at(-1)?.progress?.done ?? 0]
    assert.ok(last > first, 'The progress of loading does not grow.')
    assert.notEqual(text, '', 'There is no answer.')
  },

  'fault.load-fails': async (context) => {
    await assertRefused(context, toFaulty(context, 'loadFails'), ['model-load-failed'])
    await assertAnswers(context)
  },

  'fault.drop': (context) => assertBreaks(context, 'drop', ['stream-incomplete', 'engine-died']),
  'fault.clean-end': (context) => assertBreaks(context, 'cleanEnd', ['stream-incomplete']),
  'fault.error': (context) => assertBreaks(context, 'error'),
  'fault.malformed': (context) => assertBreaks(context, 'malformed', ['stream-malformed']),

  'fault.stall': async (context) => {
    const begun = Promise.withResolvers<void>()
    const controller = new AbortController()
    const signal = AbortSignal.any([context.signal, controller.signal])
    const chat = context.backend.chat(toFaulty(context, 'stall'), { signal })
    const reading = readChat(chat, onFirstDelta(begun.resolve))
    await Promise.race([begun.promise, reading])
    await delay(untilQuietMs)
    await assertAbortable(context, controller, reading)
  },

  'fault.hang': async (context) => {
    const controller = new AbortController()
    const signal = AbortSignal.any([context.signal, controller.signal])
    const reading = readChat(context.backend.chat(toFaulty(context, 'hang'), { signal }))
    await context.backend.isRunning()
    await assertAbortable(context, controller, reading)
  },

  'fault.refuse': async (context) => {
    await assertRefused(context, toFaulty(context, 'refuse'))
    await assertAnswers(context)
  },

  'fault.fail-at-once': async (context) => {
    await assertRefused(context, toFaulty(context, 'failAtOnce'), ['engine-failed'])
    await assertAnswers(context)
  },
} satisfies Record<string, Proof>

/** From the first delta until an engine that stalls has said its last. */
const untilQuietMs = 50

function toFaulty(context: ProofContext, scenario: ScenarioName) {
  const model = context.harness.scenarios?.[scenario]
  assert.ok(model)
  return toRequest(context, context.prompts.question, { model })
}

/** Text, then a typed error and no finish; and the backend goes on. */
async function assertBreaks(
  context: ProofContext,
  scenario: ScenarioName,
  codes?: readonly ErrorCode[],
): Promise<void> {
  const { backend, signal } = context
  const { transcript, error } = await tryChat(backend.chat(toFaulty(context, scenario), { signal }))
  assert.ok(error !== undefined, 'The broken stream ended as if it were whole.')
  if (codes) assertCode(error, codes)
  else codeOf(error)
  assert.notEqual(transcript.text, '', 'The text before the break is lost.')
  assert.equal(transcript.finishes.length, 0, 'There is a finish part, and an error too.')
  await assertBecomesIdle(context)
  await assertAnswers(context)
}

async function assertAbortable(
  context: ProofContext,
  controller: AbortController,
  reading: ReturnType<typeof readChat>,
): Promise<void> {
  controller.abort()
  assertFinish(await reading, 'cancelled')
  assert.equal(context.signal.aborted, false, 'The abort was not heard in time.')
  await assertBecomesIdle(context)
}
