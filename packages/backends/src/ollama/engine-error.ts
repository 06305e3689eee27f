import { type ErrorCode, LmappError } from 'lmapp-kit'
import { type HttpResponse, parseRetryAfter } from '../http/index.ts'
import { type Fields, parseJson, toFields, toOptionalText } from '../json/fields.ts'
import { isSameModel } from './model-name.ts'

export interface RefusedAnswer {
  status: number
  /** The body of the answer. */
  text: string
  /** Normalised name, where the request was about one. */
  model?: string
  /** Of the answer; read for how long to wait. */
  headers?: HttpResponse['headers']
}

/** What an answer with a status other than 200 means. Ollama says why only in words: where one status has several meanings they decide. */
export function toEngineError({ status, text, model, headers }: RefusedAnswer): LmappError {
  const fields = toFields(parseJson(text))
  const said = toOptionalText(fields.error) ?? (text.trim().slice(0, 500) || `HTTP status ${status}`)
  const signinUrl = toOptionalText(fields.signin_url)
  const asksToWait = headers && (status === 429 || status === 503)
  const retryAfterMs = asksToWait ? parseRetryAfter(headers, Date.now()) : undefined
  const details = {
    status,
    said,
    ...(model !== undefined && { model }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
  const code = toCode(status, said)
  if (code === 'model-not-found' && model !== undefined) {
    return new LmappError(code, `Ollama has no model "${model}".`, { details: { status, said, name: model } })
  }
  return new LmappError(code, `Ollama: ${said}`, {
    ...(signinUrl !== undefined && { hint: `Sign in: ${signinUrl}` }),
    ...(code === 'engine-failed' && { hint: 'See the log of Ollama; on Linux: journalctl -u ollama' }),
    details,
  })
}

function toCode(status: number, said: string): ErrorCode {
  switch (status) {
    case 400:
      if (/context length|context size/i.test(said)) return 'context-overflow'
      return /not support/i.test(said) ? 'unsupported' : 'bad-input'
    case 401:
      return 'unauthorized'
    case 403:
      return 'forbidden'
    case 404:
      return 'model-not-found'
    case 429:
      return 'rate-limited'
    case 499:
      return 'cancelled'
    case 503:
      return 'busy'
    default:
      return saysLoadFailed(said) ? 'model-load-failed' : 'engine-failed'
  }
}

function saysLoadFailed(said: string): boolean {
  return /(unable|failed|error) (to )?load|more system memory|out of memory|runner process|waiting for (llama|server|runner)/i.test(
    said,
  )
}

/** Throws `wrong-model` when it says that it answers for another one. In the cloud a model may have another name. */
export function assertAnsweredFor(model: string, answer: Fields): void {
  const answering = toOptionalText(answer.model)
  if (answering === undefined || isSameModel(answering, model) || answering === answer.remote_model) return
  throw new LmappError('wrong-model', `Ollama was asked for ${model} and answered for ${answering}.`, {
    details: { model, answering },
  })
}

/** An `{"error": …}` line in a stream whose status was 200. */
export function toStreamError(said: string, answered: boolean): LmappError {
  const details = { said }
  if (!answered) {
    const code = saysLoadFailed(said) ? 'model-load-failed' : 'engine-failed'
    return new LmappError(code, `Ollama: ${said}`, { details })
  }
  const died = /unexpectedly stopped|unexpected EOF|forcibly closed|terminated|while running the model/i.test(said)
  return new LmappError(died ? 'engine-died' : 'stream-incomplete', `Ollama broke off: ${said}`, { details })
}
