import assert from 'node:assert/strict'
import { isCompatibleVersion, optionalMethods } from 'lmapp-kit'
import { isFields } from '../../json/fields.ts'
import { askIsRunning } from '../ask.ts'
import type { Judge, Proof } from '../judge.ts'
import { assertError, resultOf } from '../wire/answers.ts'
import { show } from '../wire/findings.ts'
import { within } from '../wire/wait.ts'

export const helloProofs = {
  'hello.answered': async (judge) => {
    await judge.wire()
  },

  'hello.nonce': async (judge) => {
    const { hello, result } = judge.greetingOf(await judge.wire())
    assert.ok(result.nonce === hello.nonce, `It gave ${show(result.nonce)} back, and not ${hello.nonce}.`)
  },

  'hello.version': async (judge) => {
    const { interfaceVersion } = judge.greetingOf(await judge.wire()).result
    const due = judge.manifest.interface_version
    assert.ok(interfaceVersion === due, `It answered with ${show(interfaceVersion)}, and the manifest says ${due}.`)
  },

  'hello.info': async (judge) => {
    const wire = await judge.wire()
    const answer = await within(judge.timeouts.callMs, wire.ask('get_info').answer, 'answer to get_info')
    const { info } = judge.greetingOf(wire).result
    assert.deepEqual(toIdentity(resultOf(answer, 'get_info')), toIdentity(info))
  },

  'hello.methods': async (judge) => {
    const wire = await judge.wire()
    for (const method of optionalMethods.filter((name) => judge.manifest.methods.includes(name))) {
      const answer = await within(judge.timeouts.callMs, wire.ask(method).answer, `answer to ${method}`)
      const isKnown = 'result' in answer || answer.error.code !== 'method-not-found'
      assert.ok(isKnown, `The manifest lists ${method}, and it answers with method-not-found.`)
    }
  },

  'hello.unknown-members': async (judge) => {
    const wire = await judge.open()
    const { limits } = await judge.toHello(wire)
    await judge.sayHello(wire, { mood: 'curious', limits: { ...limits, patience: 7 }, judge: { of: ['plugins'] } })
    resultOf(await within(judge.timeouts.workMs, wire.ask('start', strange).answer, 'answer to start'), 'start')
    await askIsRunning(judge, wire)
  },

  'hello.newer-host': async (judge) => {
    const { interfaceVersion } = await judge.sayHello(await judge.open(), { interfaceVersions: ['2.0', '1.9'] })
    const isRight = typeof interfaceVersion === 'string' && isCompatibleVersion(interfaceVersion)
    assert.ok(isRight, `It answered with ${show(interfaceVersion)}.`)
  },

  'hello.other-version': async (judge) => {
    await assertRefused(judge, ['9.0'])
  },

  'hello.twice': async (judge) => {
    const wire = await judge.openStarted()
    const again = wire.ask('hello', await judge.toHello(wire)).answer
    const answer = await within(judge.timeouts.callMs, again, 'answer to a second hello')
    assert.ok('error' in answer, 'A second hello was answered as if it were the first.')
    await askIsRunning(judge, wire)
  },
} satisfies Record<string, Proof>

const strange = { mood: 'curious' }

async function assertRefused(judge: Judge, interfaceVersions: string[]): Promise<void> {
  const wire = await judge.open()
  const hello = { ...(await judge.toHello(wire)), interfaceVersions }
  const answer = await within(judge.timeouts.helloMs, wire.ask('hello', hello).answer, 'answer to hello')
  assertError(answer, 'interface-version', `hello with ${show(interfaceVersions)}`)
}

/** What is the same all its life; version and description of an engine may come later. */
function toIdentity(info: unknown): Record<string, unknown> {
  assert.ok(isFields(info), `The info is no object: ${show(info)}`)
  const { name, version, interfaceVersion, capabilities } = info
  return { name, version, interfaceVersion, capabilities }
}
