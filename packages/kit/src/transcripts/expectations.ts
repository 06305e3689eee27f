import { LmappError } from '../errors/lmapp-error.ts'
import type { RequestId } from '../protocol/messages.ts'
import { findMismatch, findResponseMismatch } from './match.ts'
import { isObject, type JsonObject, type PluginMessage, type StepOf, toPluginMessage } from './transcript.ts'

/** What a plugin must write now. What is not expected throws `protocol-violation` that names transcript and line. */
export interface Expectations {
  /** A request was sent. */
  ask(id: unknown): void
  add(step: StepOf<'plugin'>, message: JsonObject): void
  receive(message: JsonObject): void
  /** When the line is ending, what is about requests without an answer may still come. */
  receiveLate(message: JsonObject): void
  /** The first that did not come, in words; undefined when nothing is missing. */
  missing(): string | undefined
}

type About = PluginMessage['about']

/** One part, or one whole message. */
interface Item {
  about: About
  expected: unknown
  line: number
}

export function createExpectations(transcript: string): Expectations {
  const queues = new Map<RequestId, Item[]>()
  const lastSeq = new Map<RequestId, number>()
  const unanswered = new Set<unknown>()
  let lastLine = 1

  function receive(message: JsonObject): void {
    const about = toPluginMessage(message)
    if (about?.about === 'parts') receiveParts(about)
    else if (about) compare(about.about, about.id, message)
    else assertPassable(message)
    if (about?.about === 'response') unanswered.delete(about.id)
  }

  function receiveParts({ id, seq, parts, message }: PluginMessage & { about: 'parts' }): void {
    const expected = (lastSeq.get(id) ?? 0) + 1
    if (seq !== expected) throw fail(lastLine, `"seq" is ${seq}, not ${expected}`, message)
    if (parts.length === 0) throw fail(lastLine, 'Parts came that hold none', message)
    lastSeq.set(id, seq)
    for (const part of parts) compare('parts', id, part)
  }

  function compare(about: About, id: RequestId, received: unknown): void {
    const { expected, line } = take(about, id, received)
    const find = about === 'response' ? findResponseMismatch : findMismatch
    const path = find(expected, received)
    if (path !== undefined) throw fail(line, `Something else was expected at "${path}"`, received, expected)
  }

  function take(about: About, id: RequestId, received: unknown): Item {
    const next = queues.get(id)?.shift()
    if (next?.about === about) return next
    const wanted = next ? `instead of ${next.about}` : 'too early or too many'
    throw fail(next?.line ?? lastLine, `For request ${JSON.stringify(id)} came ${about}, ${wanted}`, received)
  }

  /** `log` and the like may come at any time. */
  function assertPassable(message: JsonObject): void {
    if (message.id !== undefined) throw fail(lastLine, 'It answers nothing', message)
    if (message.method === 'parts' || message.method === 'pull_progress') {
      throw fail(lastLine, `"${message.method}" has wrong parameters`, message)
    }
  }

  function fail(line: number, problem: string, received: unknown, expected?: unknown): LmappError {
    const shown = JSON.stringify(received).slice(0, 200)
    return new LmappError('protocol-violation', `${transcript}:${line}: ${problem}: ${shown}`, {
      details: { transcript, line, received, ...(expected !== undefined && { expected }) },
    })
  }

  return {
    ask: (id) => void unanswered.add(id),
    add({ about, id, line }, message) {
      lastLine = line
      const items = about === 'parts' ? partsOf(message) : [message]
      queues.set(id, [...(queues.get(id) ?? []), ...items.map((expected) => ({ about, expected, line }))])
    },
    receive,
    receiveLate(message) {
      const about = toPluginMessage(message)
      if (about && unanswered.has(about.id)) {
        if (about.about === 'response') unanswered.delete(about.id)
      } else if (message.id !== null || !('error' in message)) {
        receive(message)
      }
    },
    missing() {
      const item = [...queues.values()].find((queue) => queue.length > 0)?.[0]
      return item && `${transcript}:${item.line}: It did not come: ${JSON.stringify(item.expected)}`
    },
  }
}

function partsOf({ params }: JsonObject): unknown[] {
  return isObject(params) && Array.isArray(params.parts) ? params.parts : []
}
