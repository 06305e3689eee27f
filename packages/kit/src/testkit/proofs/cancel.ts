import assert from 'node:assert/strict'
import {
  ask,
  assertAnswers,
  assertBecomesIdle,
  assertFinish,
  onFirstDelta,
  type Proof,
  type ProofContext,
  toRequest,
} from '../proof.ts'
import { finishOf, readChat, type Transcript } from '../read-chat.ts'

export const cancelProofs = {
  'cancel.before-start': async (context) => {
    const request = toRequest(context, context.prompts.question)
    const transcript = await readChat(context.backend.chat(request, { signal: AbortSignal.abort() }))
    assertFinish(transcript, 'cancelled')
    assert.equal(transcript.text, '')
  },

  'cancel.before-first-token': async (context) => {
    const controller = new AbortController()
    const chat = context.backend.chat(toLongRequest(context), { signal: toSignal(context, controller) })
    const reading = readChat(chat)
    controller.abort()
    assertCancelled(context, await reading)
  },

  'cancel.mid-stream': async (context) => {
    const transcript = await cancelMidStream(context)
    assertCancelled(context, transcript)
    assert.notEqual(transcript.text + transcript.reasoning, '', 'What came before the abort is lost.')
  },

  'cancel.idle': async (context) => {
    await cancelMidStream(context)
    await assertBecomesIdle(context)
  },

  'cancel.reader-leaves': async (context) => {
    for await (const part of context.backend.chat(toLongRequest(context), { signal: context.signal })) {
      if (part.type === 'text-delta' || part.type === 'reasoning-delta') break
    }
    await assertBecomesIdle(context)
  },

  'cancel.only-its-own': async (context) => {
    const [cancelled, other] = await Promise.all([cancelMidStream(context), ask(context, context.prompts.question)])
    assertCancelled(context, cancelled)
    assert.notEqual(finishOf(other).reason, 'cancelled', 'Another chat was cancelled too.')
    assert.notEqual(other.text, '', 'Another chat has no text.')
  },

  'cancel.next-chat': async (context) => {
    await cancelMidStream(context)
    await assertAnswers(context)
  },
} satisfies Record<string, Proof>

/** So long that an abort which is not heard is noticed. */
const longTokens = 2048

function toLongRequest(context: ProofContext) {
  return toRequest(context, context.prompts.long, { options: { maxTokens: longTokens } })
}

function cancelMidStream(context: ProofContext): Promise<Transcript> {
  const controller = new AbortController()
  const chat = context.backend.chat(toLongRequest(context), { signal: toSignal(context, controller) })
  return readChat(
    chat,
    onFirstDelta(() => controller.abort()),
  )
}

function toSignal(context: ProofContext, controller: AbortController): AbortSignal {
  return AbortSignal.any([context.signal, controller.signal])
}

function assertCancelled(context: ProofContext, transcript: Transcript): void {
  assert.equal(context.signal.aborted, false, 'The abort was not heard in time.')
  assertFinish(transcript, 'cancelled')
}
