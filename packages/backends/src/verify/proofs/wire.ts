import assert from 'node:assert/strict'
import { defaultCredit } from 'lmapp-kit'
import {
  askIsRunning,
  askUsual,
  assertCancelled,
  beginLong,
  missingModel,
  readToEnd,
  toLongRequest,
  toRequest,
} from '../ask.ts'
import type { Proof } from '../judge.ts'
import { assertError, resultOf } from '../wire/answers.ts'
import type { ChatExchange } from '../wire/chat-exchange.ts'
import { show } from '../wire/findings.ts'
import { within } from '../wire/wait.ts'

export const wireProofs = {
  'wire.chat': async (judge) => {
    await judge.usual()
  },

  'wire.start-twice': async (judge) => {
    const wire = await judge.wire()
    await judge.start(wire)
    await askIsRunning(judge, wire)
  },

  'wire.stop-twice': async (judge) => {
    const wire = await judge.openStarted()
    for (const what of ['answer to stop', 'answer to a second stop']) {
      resultOf(await within(judge.timeouts.exitMs, wire.ask('stop').answer, what), 'stop')
    }
  },

  'wire.unknown-method': async (judge) => {
    const wire = await judge.wire()
    for (const method of ['dance', 'constructor', '']) {
      const answer = await within(judge.timeouts.callMs, wire.ask(method).answer, `answer to "${method}"`)
      assertError(answer, 'method-not-found', `The unknown method "${method}"`)
    }
    await askIsRunning(judge, wire)
  },

  'wire.unknown-notification': async (judge) => {
    const wire = await judge.wire()
    wire.notify('dance', { step: 1 })
    wire.notify('dance')
    wire.notify('hello', [])
    await askIsRunning(judge, wire)
  },

  'wire.stray-response': async (judge) => {
    const wire = await judge.wire()
    for (const id of [4711, 'nobody']) {
      wire.send({ id, result: { of: 'nothing' } })
      wire.send({ id, error: { code: -32603, message: 'Nothing was asked.' } })
    }
    await askIsRunning(judge, wire)
  },

  'wire.unknown-members': async (judge) => {
    const wire = await judge.wire()
    const strange = { mood: 'curious' }
    const request = await toRequest(judge, judge.prompts.question)
    const messages = request.messages.map((message) => ({
      ...{ ...message, ...strange },
      content: message.content.map((content) => ({ ...content, ...strange })),
    }))
    const chat = wire.chat({ ...request, ...strange, messages, vendor: { judge: strange } }, defaultCredit, {
      flows: true,
    })
    await readToEnd(judge, chat)
    assert.notEqual(chat.count, 0, 'The chat ended without any part.')
  },

  'wire.text-id': async (judge) => {
    const wire = await judge.wire()
    const { answer } = wire.ask('is_running', {}, 'the judge’s own')
    await within(judge.timeouts.healthMs, answer, 'answer to a request whose id is a text')
    const request = await toRequest(judge, judge.prompts.question)
    const chat = wire.chat(request, defaultCredit, { flows: true, id: 'a chat' })
    await readToEnd(judge, chat)
    assert.notEqual(chat.count, 0, 'The chat ended without any part.')
  },

  'wire.bad-params': async (judge) => {
    const wire = await judge.wire()
    const { model, messages } = await toRequest(judge, judge.prompts.question)
    const requests = [undefined, null, [], 'hello', {}, { model }, { messages }, { model: 7, messages }]
    const wrong = [...requests, { model, messages: 'hello' }, { model, messages: [null] }, { model, messages: [{}] }]
    const params = [null, [], 7, ...wrong.map((request) => ({ request, credit: defaultCredit }))]
    for (const value of params) {
      const answer = await within(judge.timeouts.callMs, wire.ask('chat', value).answer, `answer to ${show(value)}`)
      assertError(answer, 'bad-input', `A chat with the parameters ${show(value)}`)
    }
    await askIsRunning(judge, wire)
  },

  'wire.bad-notifications': async (judge) => {
    const wire = await judge.wire()
    const params = [undefined, null, [], 'x', {}, { id: null }, { id: {} }, { id: 4711 }, { id: 4711, parts: 'many' }]
    for (const method of ['credit', 'cancel']) for (const value of params) wire.notify(method, value)
    await askIsRunning(judge, wire)
  },

  'wire.other-model': async (judge) => {
    const wire = await judge.wire()
    const request = await toRequest(judge, judge.prompts.question)
    for (const model of [missingModel, `${request.model}-0d9f2c`]) {
      const chat = wire.chat({ ...request, model }, defaultCredit, { flows: true })
      const answer = await within(judge.chatMs, chat.answer, 'response to a chat with an unknown model')
      assertError(answer, 'model-not-found', `A chat with the model ${model}`)
      assert.equal(chat.text, '', 'There was text before the error.')
    }
  },
} satisfies Record<string, Proof>

export const cancelProofs = {
  'wire.cancel': async (judge) => {
    const chat = await beginLong(judge, await judge.wire())
    chat.cancel()
    await assertCancelled(judge, chat)
  },

  'wire.cancel-early': async (judge) => {
    const wire = await judge.wire()
    const request = await toLongRequest(judge)
    const chats: ChatExchange[] = []
    const bytes = wire.capture(() => {
      const chat = wire.chat(request, 8)
      chat.cancel()
      chats.push(chat)
    })
    wire.write(bytes)
    for (const chat of chats) await assertCancelled(judge, chat)
  },

  'wire.cancel-ended': async (judge) => {
    const wire = await judge.wire()
    const chat = await askUsual(judge, wire)
    chat.cancel()
    await askIsRunning(judge, wire)
    await askUsual(judge, wire)
  },

  'wire.cancel-unknown': async (judge) => {
    const wire = await judge.wire()
    for (const id of [4711, 'nobody', -1]) wire.notify('cancel', { id })
    await askIsRunning(judge, wire)
    await askUsual(judge, wire)
  },
} satisfies Record<string, Proof>
