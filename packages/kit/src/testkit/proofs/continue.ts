import assert from 'node:assert/strict'
import type { ChatRequest } from '../../chat-request.ts'
import { ask, askTwice, assertRefused, type Proof, type ProofContext, toMessage, toRequest } from '../proof.ts'
import { finishOf, readChat, type Transcript } from '../read-chat.ts'

export const continueProofs = {
  'continue.only-new': async (context) => {
    const { deltas } = await askTwice(context, context.prompts.question)
    const partial = toPartial(deltas, 0.5)
    const { text } = await continueFrom(context, partial)
    assert.notEqual(text, '', 'Nothing new came.')
    assert.ok(!text.startsWith(partial), 'It repeats what is there.')
  },

  'continue.exact': async (context) => {
    const whole = await askTwice(context, context.prompts.question)
    for (const share of [0.25, 0.5, 0.75]) {
      const partial = toPartial(whole.deltas, share)
      const rest = await continueFrom(context, partial)
      assert.notEqual(rest.text, '', 'Nothing new came.')
      assertSameStart(partial + rest.text, whole.text)
      if (finishOf(rest).reason === 'stop' && finishOf(whole).reason === 'stop') {
        assert.equal(partial + rest.text, whole.text)
      }
    }
  },

  'continue.last-message': async (context) => {
    const request = toRequest(context, context.prompts.question, { continue: true })
    await assertRefused(context, request, ['bad-input'])
  },

  'continue.declined': async (context) => {
    const { deltas } = await ask(context, context.prompts.question)
    await assertRefused(context, toContinuation(context, toPartial(deltas, 0.5)), ['unsupported'])
  },
} satisfies Record<string, Proof>

function continueFrom(context: ProofContext, partial: string): Promise<Transcript> {
  return readChat(context.backend.chat(toContinuation(context, partial), { signal: context.signal }))
}

function toContinuation(context: ProofContext, partial: string): ChatRequest {
  const asked = toRequest(context, context.prompts.question, { continue: true })
  return { ...asked, messages: [...asked.messages, toMessage('assistant', partial)] }
}

/** The first deltas of an answer: a cut between two tokens, where a continuation can be exact. */
function toPartial(deltas: readonly string[], share: number): string {
  assert.ok(deltas.length >= 4, `The answer has only ${deltas.length} deltas.`)
  return deltas.slice(0, Math.ceil(deltas.length * share)).join('')
}

/** One may be longer, since each is cut at the same number of new tokens. */
function assertSameStart(joined: string, whole: string): void {
  const length = Math.min(joined.length, whole.length)
  assert.equal(joined.slice(0, length), whole.slice(0, length))
}
