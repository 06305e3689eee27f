import { type CallOptions, type ChatRequest, LmappError, type Part, toText } from 'lmapp-kit'
import type { Proofs } from '../external/index.ts'
import type { HttpResponse } from '../http/index.ts'
import {
  type AskedModel,
  type ContinuationSubject,
  createContinuation,
  streamChat,
  toChatBody,
} from '../openai-wire/index.ts'
import { assertStillServed, toAskedModel } from './asked-model.ts'
import type { Catalogue, ServedModel } from './catalogue.ts'
import { readCompletion } from './completion-stream.ts'
import { engine, type LlamaServerConnection } from './connection.ts'
import { assertFits, contextOf, hasImages } from './context.ts'
import { toDialect, withoutIdleReasoning } from './dialect.ts'
import { renderPrompt, tokenize } from './prompt-tokens.ts'
import type { ModelProps } from './props.ts'
import { findResumePoint, type ResumePoint, toBeginningWith } from './resume-point.ts'

export interface Continuable {
  request: ChatRequest
  model: ServedModel
  props: ModelProps
}

/** Goes on with a partial answer, exactly; see `createContinuation` of the wire for how that is proved. */
export interface Continuing {
  /** Says that it tries, when it does. Throws `unsupported` where it cannot be exact. */
  run(continuable: Continuable, version: string, signal: AbortSignal): AsyncGenerator<Part, void, undefined>
  /** Undefined as long as nobody tried. */
  known(continuable: Pick<Continuable, 'model' | 'props'>, version: string): Promise<boolean | undefined>
}

export interface ContinuingDependencies {
  connection: LlamaServerConnection
  catalogue: Catalogue
  proofs: Proofs
}

export function createContinuing({ connection, catalogue, proofs }: ContinuingDependencies): Continuing {
  const continuation = createContinuation({ proofs })
  return {
    async *run(continuable, version, signal) {
      const { request, model } = continuable
      assertContinuable(continuable)
      const thinking = request.reasoning === undefined ? {} : { reasoning: request.reasoning }
      const served = { connection, asked: toAskedModel(catalogue, request.model, model, { signal }), signal }
      yield* continuation.assertProved(request, {
        ...toSubject(continuable, version),
        ask: (asked) => answer(served, { ...continuable, request: { ...asked, ...thinking } }),
      })
      yield* resume(served, continuable)
    },
    known: (continuable, version) => continuation.known(toSubject(continuable, version)),
  }
}

function toSubject({ model, props }: Pick<Continuable, 'model' | 'props'>, version: string): ContinuationSubject {
  const { info, wireName } = model
  return { engine, version, model: info.id, facts: [wireName, props.path, info.sizeBytes, props.template] }
}

/** Who is asked, and for which model. */
interface Served {
  connection: LlamaServerConnection
  asked: AskedModel
  signal: AbortSignal
}

/** Of the trial. */
function answer(served: Served, continuable: Continuable): AsyncIterable<Part> {
  const { request, model, props } = continuable
  if (request.continue) return resume(served, continuable)
  const { body } = toChatBody(withoutIdleReasoning(request, props), {
    dialect: toDialect(props),
    model: model.wireName,
  })
  return streamChat({ ...served, body, path: '/v1/chat/completions', engine, model: request.model })
}

/** What a model thought before its answer is not part of it, so only one that does not think can be exact. */
export function mayContinue(props: ModelProps, reasoning?: ChatRequest['reasoning']): boolean {
  return props.reasoning === 'no' || (reasoning === false && props.hasReasoningSwitch)
}

function assertContinuable({ request, props }: Continuable): void {
  const { model, messages, schema, tools = [] } = request
  if (schema) throw refusal(model, 'under a JSON schema')
  if (tools.length > 0 || messages.at(-1)?.content.some(({ type }) => type === 'tool-call')) {
    throw refusal(model, 'with tools')
  }
  if (hasImages(request)) throw refusal(model, 'to images')
  if (!mayContinue(props, request.reasoning)) throw refusal(model, 'after thoughts that are not at hand')
  if (messages.at(-2)?.role === 'assistant') throw refusal(model, 'that follows another one')
}

/** Sends the prompt with what is kept of the answer, so that only what is new comes. */
async function* resume(
  { connection, asked, signal }: Served,
  continuable: Continuable,
): AsyncGenerator<Part, void, undefined> {
  const { request, model, props } = continuable
  const { wireName } = model
  const partial = toText(request.messages.at(-1)?.content ?? [])
  const { body, warnings } = toChatBody(
    { ...withoutIdleReasoning(request, props), messages: request.messages.slice(0, -1), continue: false },
    { dialect: toDialect(props), model: wireName, ...(props.contextLength && { contextLength: props.contextLength }) },
  )
  yield* warnings
  const call = { signal }
  const prompt = await renderPrompt(connection, body, call)
  if (/<think(ing)?>\s*$|\[THINK\]\s*$/i.test(prompt)) throw refusal(request.model, 'before its thoughts')
  const point = await findPoint(connection, { model: wireName, prompt, partial }, call)
  if (!point) throw refusal(request.model, 'that its own tokens cannot write')
  assertFits(request.model, point.tokens.length, contextOf(request, props))
  let response: HttpResponse | undefined
  try {
    const sent = toCompletionBody(body, point)
    response = await connection.request({ method: 'POST', path: '/completion', body: sent, model: wireName, signal })
    await assertStillServed(connection, { asked: request.model, props }, call)
    const alternatives = request.options?.logprobs
    for await (const part of readCompletion(response.bytes(), { asked, alternatives, ...point })) {
      if (part.type === 'finish') response.release()
      yield part
    }
  } finally {
    response?.close()
  }
}

type FoundPoint = ResumePoint & { tokens: number[] }

/** Undefined where the text holds marks of the template, or is not what its tokens say. */
async function findPoint(
  connection: LlamaServerConnection,
  { model, prompt, partial }: { model: string; prompt: string; partial: string },
  call: CallOptions,
): Promise<FoundPoint | undefined> {
  const ask = (content: string, special: boolean) => tokenize(connection, { model, content, special }, call)
  const [pieces, asText, withMarks] = await Promise.all([
    ask(prompt + partial, true),
    connection.json(toPlainQuestion(model, partial, false, call)),
    connection.json(toPlainQuestion(model, partial, true, call)),
  ])
  if (JSON.stringify(asText) !== JSON.stringify(withMarks)) return undefined
  const point = findResumePoint(pieces, partial)
  if (!point) return undefined
  return { ...point, tokens: point.tokens ?? (await ask(prompt, true)).map(({ id }) => id) }
}

function toPlainQuestion(model: string, content: string, parse_special: boolean, call: CallOptions) {
  const body = { model, content, add_special: false, parse_special }
  return { method: 'POST', path: '/tokenize', body, model, ...call } as const
}

/** The withdrawn tokens are written once more, beside those that were asked for. */
function toCompletionBody(
  {
    messages: _messages,
    stream_options: _options,
    max_tokens,
    logprobs,
    top_logprobs,
    ...others
  }: Record<string, unknown>,
  { tokens, withdrawn, withdrawnTokens }: FoundPoint,
): Record<string, unknown> {
  return {
    ...others,
    prompt: tokens,
    ...(logprobs === true && { n_probs: top_logprobs }),
    ...(typeof max_tokens === 'number' && { n_predict: max_tokens + withdrawnTokens }),
    ...(withdrawn !== '' && { grammar: toBeginningWith(withdrawn) }),
  }
}

function refusal(model: string, where: string): LmappError {
  return new LmappError('unsupported', `${engine} cannot go on with an answer of ${model} ${where}.`, {
    hint: 'Ask anew, or go on with another model: lmapp continue -m MODEL',
    details: { model, capability: 'continue' },
  })
}
