import { setTimeout as delay } from 'node:timers/promises'
import type { Status } from 'lmapp-kit'
import type { HttpResponse } from '../http/index.ts'
import type { Catalogue } from './catalogue.ts'
import type { OllamaConnection } from './connection.ts'
import type { LoadLog } from './load-log.ts'

export interface Sender {
  connection: OllamaConnection
  catalogue: Catalogue
  /** Of an Ollama of our own. */
  loadLog?: LoadLog
  /** Waits between two looks; rejects when the signal ends it. Default: by the clock. */
  pause?: (milliseconds: number, signal: AbortSignal) => Promise<unknown>
}

/** What makes Ollama load a model. */
export interface LoadingQuestion {
  path: '/api/chat' | '/api/generate'
  body: { model: string; options: { num_ctx: number } }
}

/**
 * Ollama sends no header until the first token: not while the model loads, which may take minutes, nor while it reads
 * the prompt. Nothing limits that. Meanwhile looks at what is in memory, beside the request, tell what it does.
 */
export async function* sendUntilHeaders(
  sender: Sender,
  question: LoadingQuestion,
  signal: AbortSignal,
): AsyncGenerator<Status, HttpResponse, undefined> {
  const left = new AbortController()
  const answered = new AbortController()
  const whileHere = AbortSignal.any([signal, left.signal])
  const { model } = question.body
  const sent = sender.connection.request({ method: 'POST', ...question, model, signal: whileHere })
  const stopLooking = () => answered.abort()
  sent.then(stopLooking, stopLooking)
  let response: HttpResponse | undefined
  try {
    yield* watchLoad(sender, question, AbortSignal.any([whileHere, answered.signal]))
    response = await sent
    return response
  } finally {
    if (!response) left.abort()
  }
}

/** Milliseconds before each look, the last one for ever. Who answers sooner need not be asked, and is not held up. */
const pausesMs = [50, 250, 1000]

/** A status is given only when something moved: one that is told anew counts as a sign of life. */
async function* watchLoad(
  sender: Sender,
  { body }: LoadingQuestion,
  signal: AbortSignal,
): AsyncGenerator<Status, void, undefined> {
  const { loadLog, pause = waitFor } = sender
  const loadsBefore = loadLog?.loads
  let heard = loadLog?.heard
  let stage: Stage | undefined
  for (let look = 0; await passed(pause(pausesMs[look] ?? 1000, signal)); look += 1) {
    const now = await stageOf(sender, body, signal)
    if (signal.aborted || now === undefined) return
    const isReady = stage === undefined ? now === 'loaded' : loadsBefore !== loadLog?.loads
    if (isReady) return yield { type: 'status', phase: 'prompt' }
    if (stage !== now || heard !== loadLog?.heard) yield toLoading(body.model, now, loadLog)
    stage = now
    heard = loadLog?.heard
  }
}

type Stage = 'absent' | 'loaded'

function toLoading(model: string, stage: Stage, loadLog: LoadLog | undefined): Status {
  const percent = loadLog?.percent
  // After the last of it an engine warms up: nothing more is counted then.
  const isCounted = percent !== undefined && percent < 100
  return {
    type: 'status',
    phase: 'loading',
    // A model has its place in memory, and is in the list, before it is read.
    message: stage === 'absent' ? `loading ${model}` : `loading ${model}: its memory is there`,
    ...(isCounted && { progress: { done: percent, total: 100, unit: 'percent' } }),
  }
}

/** Undefined where Ollama does not say. With another context than is wanted it is loaded anew. */
async function stageOf(
  { catalogue }: Sender,
  { model, options }: LoadingQuestion['body'],
  signal: AbortSignal,
): Promise<Stage | undefined> {
  try {
    const loaded = await catalogue.loaded({ signal })
    const entry = loaded?.find(({ id }) => id === model)
    const isWanted = entry && (entry.contextLength ?? options.num_ctx) === options.num_ctx
    return loaded && (isWanted ? 'loaded' : 'absent')
  } catch {
    return undefined
  }
}

async function waitFor(milliseconds: number, signal: AbortSignal): Promise<unknown> {
  return delay(milliseconds, undefined, { signal })
}

async function passed(pause: Promise<unknown>): Promise<boolean> {
  return pause.then(
    () => true,
    () => false,
  )
}
