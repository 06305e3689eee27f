import { LmappError, type Part, readServerSentEvents } from 'lmapp-kit'
import type { HttpResponse } from '../http/index.ts'
import { isFields, parseJson } from '../json/fields.ts'
import { type Answer, createAnswer, type ReadOptions } from './answer.ts'
import { toStreamError } from './engine-error.ts'
import { watchModel } from './model-watch.ts'

/**
 * Parts out of the event stream of `/v1/chat/completions`, `finish` last. Complete is only what brought a finish reason
 * and then `[DONE]`: else it throws `stream-incomplete`; `stream-malformed` when an event was no message (after all that
 * was good); and what an error event says.
 */
export async function* readChatCompletion(
  bytes: AsyncIterable<Uint8Array>,
  options: ReadOptions,
): AsyncGenerator<Part, void, undefined> {
  const { engine, model, asked } = options
  const answer = createAnswer(options)
  const watch = asked && watchModel(engine, asked)
  let unreadable: string | undefined
  for await (const { event, data } of withCause(readServerSentEvents(bytes), answer, engine)) {
    if (data.trim() === '[DONE]') {
      if (unreadable !== undefined) throw malformed(engine, unreadable)
      yield* answer.end()
      return
    }
    const message = parseJson(data)
    if (event === 'error') throw toStreamError(message ?? data, { engine, model, answered: answer.started })
    if (!isFields(message)) {
      unreadable ??= data
      continue
    }
    const doubt = watch?.see(message.model)
    if (doubt) yield* await doubt
    yield* answer.take(message)
  }
  throw new LmappError('stream-incomplete', `The stream of ${engine} ended without its end marker.`, {
    ...(unreadable !== undefined && { details: { line: unreadable.slice(0, 200) } }),
  })
}

/**
 * The same out of a whole answer: a stream, or the single JSON value that some gateways give although a stream was asked
 * for. Throws `backend-refused` for what is neither, such as a page.
 */
export async function* readChatAnswer(
  response: Pick<HttpResponse, 'headers' | 'bytes' | 'text'>,
  options: ReadOptions,
): AsyncGenerator<Part, void, undefined> {
  const type = response.headers['content-type'] ?? ''
  if (type.includes('json')) yield* readWhole(await response.text(), options)
  else if (type.includes('html')) throw notAnAnswer(options.engine, await response.text())
  else yield* readChatCompletion(response.bytes(), options)
}

async function* readWhole(text: string, options: ReadOptions): AsyncGenerator<Part, void, undefined> {
  const value = parseJson(text)
  const isAnswer = isFields(value) && (value.error != null || value.object === 'error' || Array.isArray(value.choices))
  if (!isAnswer) throw notAnAnswer(options.engine, text)
  const answer = createAnswer(options)
  const { engine, asked } = options
  const doubt = asked && watchModel(engine, asked).see(value.model)
  if (doubt) yield* await doubt
  yield* answer.take(value)
  yield* answer.end()
}

/** Before the first token a broken connection is a failed request; what came until then cannot be lost. */
async function* withCause<T>(events: AsyncIterable<T>, answer: Answer, engine: string): AsyncGenerator<T> {
  try {
    yield* events
  } catch (error) {
    if (!(error instanceof LmappError) || error.code !== 'engine-died' || answer.started) throw error
    throw new LmappError('engine-failed', `${engine} closed the connection before its first token.`, { cause: error })
  }
}

function malformed(engine: string, line: string): LmappError {
  return new LmappError('stream-malformed', `An event in the stream of ${engine} was no message.`, {
    details: { line: line.slice(0, 200) },
  })
}

function notAnAnswer(engine: string, text: string): LmappError {
  return new LmappError('backend-refused', `${engine} answered a chat with what is no answer.`, {
    hint: 'Check the url, which usually ends in /v1: lmapp config edit',
    details: { said: text.slice(0, 200) },
  })
}
