/** What a failing engine means, the same for all that speak OpenAI's streams: code, text that is kept, next request. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Backend, type ChatRequest, type ErrorCode, isLmappError } from 'lmapp-kit'
import { readChat, tryChat } from 'lmapp-kit/testkit'
import { model as llamaModel, serve as serveLlamaServer, singleRoutes } from '../llama-server/testing/recordings.ts'
import { serve as serveLmStudio } from '../lm-studio/testing/open-lm-studio.ts'
import { serve as serveCompatible, vllmList } from '../openai-compatible/testing/open-compatible.ts'
import { delta, done, events, json } from '../openai-wire/testing/recordings.ts'
import type { Answer, Handler, ReplayServer } from '../testing/replay-server.ts'

interface Served extends AsyncDisposable {
  replay: ReplayServer
  backend: Backend
}

const route = 'POST /v1/chat/completions'
const engines: { name: string; model: string; open(chat: (Answer | Handler)[]): Promise<Served> }[] = [
  {
    name: 'an OpenAI-compatible server',
    model: 'org/model',
    open: (chat) => serveCompatible({ 'GET /v1/models': vllmList(), [route]: chat }),
  },
  { name: 'LM Studio', model: 'gemma-3-270m-it-qat', open: (chat) => serveLmStudio({ [route]: chat }) },
  { name: 'llama-server', model: llamaModel, open: (chat) => serveLlamaServer(singleRoutes({ [route]: chat })) },
]

for (const { name, model, open } of engines) {
  const token = (content: string) => ({ ...delta({ content }), model })
  const end = { ...delta({}, 'stop'), model }
  const whole = events(token('Hel'), token('lo'), end, done)
  const request: ChatRequest = { model, messages: [{ role: 'user', content: [{ type: 'text', text: 'Say hello.' }] }] }

  /** Sends this much, then does something to the connection. */
  const startThen = (answer: Answer, act: (response: Parameters<Handler>[0]) => void): Handler => {
    return (response) => {
      response.writeHead(200, answer.headers)
      response.write(answer.body, () => act(response))
    }
  }
  const raw =
    (text: string, act: 'reset' | 'end'): Handler =>
    ({ socket }) => {
      socket?.write(text, () => (act === 'reset' ? socket.resetAndDestroy() : socket.end()))
    }
  const reset = ({ socket }: Parameters<Handler>[0]) => void socket?.resetAndDestroy()
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n'
  const failure = (message: string) => ({ error: { message, type: 'server_error', code: 500 } })

  const faults: Record<string, { chat: Answer | Handler; code: ErrorCode; text?: string; each?: true }> = {
    'a refusal by its own fault': { chat: json(failure('boom'), 500), code: 'engine-failed' },
    'a refusal that is cut': {
      chat: raw('HTTP/1.1 500 Oh\r\ncontent-length: 99\r\n\r\n{"er', 'end'),
      code: 'engine-failed',
    },
    'a connection reset before the headers': { chat: reset, code: 'engine-failed', each: true },
    'a connection reset within the headers': { chat: raw(head, 'reset'), code: 'engine-failed', each: true },
    'a connection closed within the headers': { chat: raw(head, 'end'), code: 'engine-failed', each: true },
    'a connection reset after the headers': { chat: startThen(events(), reset), code: 'engine-failed' },
    'a connection reset before the first token': {
      chat: startThen({ ...events(), body: ': ping\n\n' }, reset),
      code: 'engine-failed',
    },
    'a connection reset after some tokens': {
      chat: startThen(events(token('Hel'), token('lo')), reset),
      code: 'engine-died',
      text: 'Hello',
    },
    'a connection closed after some tokens, within the stream': {
      chat: startThen(events(token('Hel')), ({ socket }) => void socket?.end()),
      code: 'engine-died',
      text: 'Hel',
    },
    'a chunk that is none, after some tokens': {
      chat: startThen(events(token('Hel')), ({ socket }) => void socket?.write('garbage\r\n')),
      code: 'engine-died',
      text: 'Hel',
    },
    'a clean end after some tokens': { chat: events(token('Hel')), code: 'stream-incomplete', text: 'Hel' },
    'a clean end before any token': { chat: events(), code: 'stream-incomplete' },
    'a clean end in the middle of a line': {
      chat: { ...events(), body: `${events(token('Hel')).body}data: {"choi` },
      code: 'stream-incomplete',
      text: 'Hel',
    },
    'an end without a length': {
      chat: raw(`${head}connection: close\r\n\r\n${events(token('Hel')).body}`, 'end'),
      code: 'stream-incomplete',
      text: 'Hel',
    },
    'an error before the first token': { chat: events(failure('boom'), done), code: 'engine-failed' },
    'an error after some tokens': {
      chat: events(token('Hel'), failure('boom'), done),
      code: 'stream-incomplete',
      text: 'Hel',
    },
    'the word that it crashed': {
      chat: events(token('Hel'), failure('model runner has unexpectedly stopped')),
      code: 'engine-died',
      text: 'Hel',
    },
    'a line of garbage in a stream that then ends well': {
      chat: events(token('Hel'), '<html>', token('lo'), end, done),
      code: 'stream-malformed',
      text: 'Hello',
    },
    'garbage in place of HTTP': { chat: raw('\0\u0001garbage\r\n\r\n', 'end'), code: 'backend-not-identified' },
    'a change of the model': {
      chat: events({ ...token('Hel'), model: 'another' }, { ...token('lo'), model: 'a third one' }, done),
      code: 'wrong-model',
      text: 'Hel',
    },
  }

  describe(`${name} that fails`, () => {
    for (const [fault, { chat, code, text = '', each }] of Object.entries(faults)) {
      it(`with ${fault}: ${code}, and the next request is answered`, async () => {
        // What breaks before the headers on a kept connection is sent once more.
        await using served = await open(each ? [chat, chat, whole] : [chat, whole])
        const { transcript, error } = await tryChat(served.backend.chat(request))
        assert.ok(isLmappError(error, code), `${code} was due, not ${error}`)
        assert.equal(transcript.text, text)
        assert.equal(transcript.finishes.length, 0)
        const next = await readChat(served.backend.chat(request))
        assert.deepEqual([next.text, next.finishes.length], ['Hello', 1])
      })
    }

    it('by being gone: backend-unreachable, before and after an answer', async () => {
      await using served = await open([whole])
      assert.equal((await readChat(served.backend.chat(request))).text, 'Hello')
      await served.replay.kill()
      const { error } = await tryChat(served.backend.chat(request))
      assert.ok(isLmappError(error, 'backend-unreachable'), String(error))
    })
  })
}
