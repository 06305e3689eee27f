import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { defaultCredit, type Health } from 'lmapp-kit'
import { askIsRunning, assertCancelled, beginLong, missingModel, readToEnd, toLongRequest, toRequest } from '../ask.ts'
import type { Judge, Proof } from '../judge.ts'
import { assertError } from '../wire/answers.ts'
import { within } from '../wire/wait.ts'
import type { Wire } from '../wire/wire.ts'

export const creditProofs = {
  'credit.none': async (judge) => {
    await judge.usual()
    const wire = await judge.wire()
    const chat = wire.chat(await toRequest(judge, judge.prompts.question), 0)
    await judge.quiet()
    await askIsRunning(judge, wire)
    assert.equal(chat.count, 0, `${chat.count} parts came without any credit.`)
    assert.ok(!chat.answered, 'The chat ended, though its parts had no credit.')
    chat.grant(1)
    await within(judge.chatMs, chat.until(1), 'part, though there was credit for one,')
    await judge.quiet()
    await askIsRunning(judge, wire)
    assert.equal(chat.count, 1, `${chat.count} parts came with credit for one.`)
    chat.grant(defaultCredit)
    await readToEnd(judge, chat)
  },

  'credit.cancel': async (judge) => {
    await judge.usual()
    const wire = await judge.wire()
    const waiting = wire.chat(await toLongRequest(judge), 0)
    await judge.quiet()
    waiting.cancel()
    await assertCancelled(judge, waiting)
    const begun = await beginLong(judge, wire, 1)
    await judge.quiet()
    begun.cancel()
    await assertCancelled(judge, begun)
  },

  'credit.health': async (judge) => {
    const wire = await judge.wire()
    const chat = await beginLong(judge, wire, 1)
    const { active } = await askIsRunning(judge, wire)
    assert.ok(active >= 1, `It counts ${active} active, while a chat waits for credit.`)
    chat.cancel()
    await assertCancelled(judge, chat)
  },

  'credit.error': async (judge) => {
    const wire = await judge.wire()
    const request = await toRequest(judge, judge.prompts.question)
    const chat = wire.chat({ ...request, model: missingModel }, 0)
    const answer = await within(judge.timeouts.callMs, chat.answer, 'error for a chat without credit')
    assertError(answer, 'model-not-found', 'A chat with an unknown model')
  },

  'busy.counts': async (judge) => {
    const wire = await judge.wire()
    await assertIdle(judge, wire)
    const first = await beginLong(judge, wire, 1)
    const second = wire.chat(await toLongRequest(judge), 1)
    await untilHealth(judge, wire, {
      isSo: ({ active, queued }) => active + queued >= 2,
      where: 'where two chats are open',
    })
    for (const chat of [first, second]) {
      chat.cancel()
      await assertCancelled(judge, chat)
    }
    await assertIdle(judge, wire)
  },
} satisfies Record<string, Proof>

function assertIdle(judge: Judge, wire: Wire): Promise<void> {
  return untilHealth(judge, wire, {
    isSo: ({ active, queued }) => active === 0 && queued === 0,
    where: 'though no chat is open',
  })
}

/** A chat may need a moment to begin, and an engine one to notice that it has ended. */
async function untilHealth(
  judge: Judge,
  wire: Wire,
  { isSo, where }: { isSo: (health: Health) => boolean; where: string },
): Promise<void> {
  const until = Date.now() + judge.timeouts.healthMs
  for (;;) {
    const health = await askIsRunning(judge, wire)
    if (isSo(health)) return
    assert.ok(Date.now() < until, `It counts ${health.active} active and ${health.queued} queued, ${where}.`)
    await delay(10)
  }
}
