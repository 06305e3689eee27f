import { type Batched, fromBatches, LmappError, type Part } from 'lmapp-kit'
import type { HttpResponse } from '../http/index.ts'
import { isFields, parseJson } from '../json/fields.ts'
import { createAnswer, type ReadOptions } from './answer.ts'
import { toStreamError } from './engine-error.ts'
import { type EventReader, readEventParts } from './event-batches.ts'
import { watchModel } from './model-watch.ts'
import { partsBeforeFault } from './part-batches.ts'

/**
 * Parts out of the event stream of `/v1/chat/completions`, `finish` last. Complete is only what brought a finish reason
 * and then `[DONE]`: else it throws `stream-incomplete`; `stream-malformed` when an event was no message (after all that
 * was good); and what an error event says.
 */
export function readChatCompletion(bytes: AsyncIterable<Uint8Array>, options: ReadOptions): Batched<Part> {
  return fromBatches(readEventParts(bytes, createMessageReader(options), options.engine))
}

/**
 * The same out of a whole answer: a stream, or the single JSON value that some gateways give although a stream was asked
 * for. Throws `backend-refused` for what is neither, such as a page.
 */
export function readChatAnswer(
  response: Pick<HttpResponse, 'headers' | 'bytes' | 'text'>,
  options: ReadOptions,
): Batched<Part> {
  const type = response.headers['content-type'] ?? ''
  if (!type.includes('json') && !type.includes('html')) return readChatCompletion(response.bytes(), options)
  return fromBatches(readWhole(response, options, type))
}

function createMessageReader(options: ReadOptions): EventReader {
  const { engine, model, asked } = options
  const answer = createAnswer(options)
  const watch = asked && watchModel(engine, asked)
  let unreadable: string | undefined
  let over = false

  return {
    get over() {
      return over
    },
    get started() {
      return answer.started
    },
    take({ event, data }, parts) {
      if (data.trim() === '[DONE]') {
        if (unreadable !== undefined) throw malformedEvent(engine, unreadable)
        answer.end(parts)
        over = true
        return undefined
      }
      const message = parseJson(data)
      if (event === 'error') throw toStreamError(message ?? data, { engine, model, answered: answer.started })
      if (!isFields(message)) {
        unreadable ??= data
        return undefined
      }
      const doubt = watch?.see(message.model)
      if (!doubt) answer.take(message, parts)
      return doubt
    },
    incomplete: () =>
      new LmappError('stream-incomplete', `The stream of ${engine} ended without its end marker.`, {
        ...(unreadable !== undefined && { details: { line: unreadable.slice(0, 200) } }),
      }),
  }
}

async function* readWhole(
  response: Pick<HttpResponse, 'text'>,
  options: ReadOptions,
  type: string,
): AsyncGenerator<readonly Part[], void, undefined> {
  const text = await response.text()
  const value = type.includes('json') ? parseJson(text) : undefined
  const isAnswer = isFields(value) && (value.error != null || value.object === 'error' || Array.isArray(value.choices))
  if (!isAnswer) throw notAnAnswer(options.engine, text)
  const answer = createAnswer(options)
  const { engine, asked } = options
  const doubt = asked && (await watchModel(engine, asked).see(value.model))
  if (doubt && doubt.length > 0) yield doubt
  yield* partsBeforeFault((parts) => {
    answer.take(value, parts)
    answer.end(parts)
  })
}

export function malformedEvent(engine: string, line: string): LmappError {
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
