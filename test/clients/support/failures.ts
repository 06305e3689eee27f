import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { assertOwn, createCheck, told } from './check.ts'
import type { Room } from './describe-clients.ts'
import { ask } from './features.ts'
import { begun, faultsBefore, faultsMidAnswer, reply } from './world.ts'

/** What the service refuses is told as the client tells errors. */
export function describeErrors({ subject, recorder, client, index }: Room): void {
  describe('errors', () => {
    const check = createCheck('errors', subject, recorder)
    check('a model that nobody has', async () => {
      const wanted = { status: 404, says: /coumt/ }
      assertOwn(await told(client(), client().chat(ask('box/coumt'))), wanted)
      assertOwn(await told(client(), client().stream(ask('box/coumt'), {})), wanted)
    })
    if (subject.kind !== 'sdk') return
    check('a prompt that does not fit', async () => {
      const prompt = 'word '.repeat(100)
      assertOwn(await told(client(), client().chat({ model: 'box/tiny', prompt })), { status: 400, says: /16/ })
    })
    if (subject.has.includes('wrongField')) {
      check('a field of the wrong type', async () => {
        assertOwn(await told(client(), client().wrongField?.('box/count')), { status: 400, says: /temperature/ })
      })
    }
    if (subject.has.includes('tools')) {
      check('tools for a model that has none', async () => {
        assertOwn(await told(client(), client().tools?.(ask('box/count'), { stream: false })), { status: 400 })
      })
    }
    if (subject.has.includes('embed')) {
      check('a vector of a model that makes none', async () => {
        assertOwn(await told(client(), client().embed?.('box/count', ['a cat'])), { status: 400 })
      })
    }
    if (subject.has.includes('retries')) {
      check('its own second try succeeds where the fault has passed', async () => {
        assert.equal((await client().chat({ ...ask(`faulty/passing-${index}`), retries: 1 })).text, reply)
      })
    }
  })
}

/** An engine that fails is never taken for one that has said all. */
export function describeFaults({ subject, recorder, client }: Room): void {
  describe('faults before the answer', { concurrency: 6 }, () => {
    const check = createCheck('faults before the answer', subject, recorder)
    for (const fault of faultsBefore) {
      check(`${fault}, whole`, async () => {
        assertOwn(await told(client(), client().chat(ask(`faulty/${fault}`))), { status: 500 })
      })
      check(`${fault}, streamed`, async () => {
        const pieces: string[] = []
        const asked = client().stream(ask(`faulty/${fault}`), { onText: (text) => pieces.push(text) })
        assertOwn(await told(client(), asked), { status: 500 })
        assert.equal(pieces.join(''), '')
      })
    }
  })
  describe('faults in mid-answer', { concurrency: 6 }, () => {
    const check = createCheck('faults in mid-answer', subject, recorder)
    for (const fault of faultsMidAnswer) {
      check(`${fault}, whole`, async () => {
        assertOwn(await told(client(), client().chat(ask(`faulty/${fault}`))), { status: 500 })
      })
      check(`${fault}, streamed`, async () => {
        const pieces: string[] = []
        const asked = client().stream(ask(`faulty/${fault}`), { onText: (text) => pieces.push(text) })
        assertOwn(await told(client(), asked))
        assert.equal(pieces.join(''), begun)
      })
    }
  })
}
