import { isLmappError } from 'lmapp-kit'
import { type Ask, collectAnswer, openAnswer, streamAnswer } from '../answer/index.ts'
import { sendJson } from '../http/reply.ts'
import { toWarningHeader } from '../http/warning-header.ts'
import type { Context } from '../routes/route.ts'
import { createClock } from './answer/clock.ts'
import { createEncoder, toWholeAnswer } from './answer/encoder.ts'
import type { AnswerForm } from './answer/said.ts'
import { withModel } from './model-name.ts'
import { fieldNames, ignoredOf } from './request/settings.ts'

/** What `/api/chat` and `/api/generate` have in common. */
export interface Asked {
  model: string
  stream?: boolean
  keep_alive?: number
  options?: { ignored: readonly string[] }
  ignored: readonly string[]
}

/** What they have not. */
export interface AnswerStyle {
  form: AnswerForm
  /** Where a request has its images. */
  images: string
}

/** Answers as a stream, unless it is asked for whole, and unloads the model where that is wanted. */
export async function respond(context: Context, asked: Asked, ask: Ask, { form, images }: AnswerStyle): Promise<void> {
  const { model, stream = true, keep_alive: keepAlive } = asked
  const options = { fields: { ...fieldNames, images }, ignored: ignoredOf(asked) }
  const answer = await withModel(model, (ref) => openAnswer(context, { ...ask, model: ref }, options))
  if (stream) await streamAnswer(context, answer, createEncoder({ form, model }))
  else sendJson(context.response, toWholeAnswer({ form, model }, await collectAnswer(answer)), 200, answer.headers)
  if (keepAlive === 0) await unloadQuietly(context, answer.run.model)
}

/** Without a question the model is loaded, or unloaded. */
export async function loadOrUnload(context: Context, asked: Asked, form: AnswerForm): Promise<void> {
  const { app, caller, response } = context
  const { model, keep_alive: keepAlive, options } = asked
  const unloads = keepAlive === 0
  await withModel(model, (ref) => (unloads ? app.models.unload(caller, ref) : app.models.load(caller, ref)))
  const done = { done: true, done_reason: unloads ? 'unload' : 'load' }
  const answer = { model, created_at: createClock()(), ...form({ text: '' }), ...done }
  const hasOptions = Object.keys(options ?? {}).length > 1
  const unused = hasOptions
    ? ['"options" is ignored: a model is loaded as its backend is set up, and again where an answer needs more.']
    : []
  sendJson(response, answer, 200, toWarningHeader([...unused, ...ignoredOf(asked)]))
}

/** It was answered: what keeps the model in memory now, such as somebody else's question, concerns this client no more. */
export async function unloadQuietly({ app, caller }: Context, ref: string): Promise<void> {
  try {
    await app.models.unload({ ...caller, signal: new AbortController().signal }, ref)
  } catch (error) {
    if (!isLmappError(error)) app.onBug(error)
  }
}
