import { type ErrorCode, LmappError } from 'lmapp-kit'
import { type HttpResponse, parseRetryAfter } from '../http/index.ts'
import { type Fields, isFields, parseJson, toFields, toList, toOptionalCount, toOptionalText } from '../json/fields.ts'

export interface RefusedAnswer {
  /** The engine's name, for messages. */
  engine: string
  status: number
  /** The body of the answer. */
  text: string
  /** Where the request was about one. */
  model?: string
  /** Of the answer; `location` is read, and what says how long to wait. */
  headers?: HttpResponse['headers']
  /** What a user does when the engine itself failed. */
  failedHint?: string
}

/** What an engine says in an error, in whichever of the usual shapes. */
interface EngineComplaint {
  said: string
  /** Its `type` and `code`, joined. */
  kind: string
  /** An HTTP status that it names itself. */
  status?: number
  promptTokens?: number
  contextLength?: number
}

/** What an answer with a status other than 200 means. Where one status has several meanings, kind and words decide. */
export function toEngineError(refused: RefusedAnswer): LmappError {
  const { engine, status, text, model } = refused
  const complaint = parseComplaint(parseJson(text)) ?? { said: toLine(text) || `HTTP status ${status}`, kind: '' }
  const code = toCode(status, complaint, model)
  const details = { status, ...toDetails(complaint, model), ...toRetryAfter(refused) }
  if (code === 'model-not-found' && model !== undefined) {
    const { model: name, ...others } = details
    return new LmappError(code, `${engine} has no model "${model}".`, { details: { ...others, name } })
  }
  const hint = toHint(code, refused, complaint)
  return new LmappError(code, `${engine}: ${complaint.said}`, { ...(hint !== undefined && { hint }), details })
}

/** What an error within a stream means, whose status was 200. `answered`: whether a token came before it. */
export function toStreamError(
  value: unknown,
  { engine, model, answered }: { engine: string; model?: string | undefined; answered: boolean },
): LmappError {
  const complaint = parseComplaint(value) ?? { said: toLine(String(value)), kind: '' }
  const details = toDetails(complaint, model)
  if (!answered) {
    const code = toCode(complaint.status ?? 500, complaint, model)
    return new LmappError(code, `${engine}: ${complaint.said}`, { details })
  }
  const died = /unexpectedly stopped|unexpected EOF|forcibly closed|terminated|engine.{0,20}(dead|died)|crashed/i
  const code = died.test(`${complaint.kind} ${complaint.said}`) ? 'engine-died' : 'stream-incomplete'
  return new LmappError(code, `${engine} broke off: ${complaint.said}`, { details })
}

/**
 * `{error: {message, type, code}}` (OpenAI, llama.cpp, newer vLLM), `{error: "…"}` (LM Studio), `{object: "error",
 * message}` (older vLLM, SGLang) and `{detail}` (FastAPI). Undefined when it is none of them.
 */
function parseComplaint(value: unknown): EngineComplaint | undefined {
  if (typeof value === 'string')
    return value === '' ? undefined : { said: toLine(value), kind: '', ...toContextNumbers({}, value) }
  const outer = toFields(value)
  if (typeof outer.error === 'string') return parseComplaint(outer.error)
  const fields = isFields(outer.error) ? outer.error : outer
  const said = toOptionalText(fields.message) ?? toDetail(fields.detail)
  if (said === undefined) return undefined
  const kind = [fields.type, fields.code].flatMap((item) => toOptionalText(item) ?? []).join(' ')
  const status = [fields.code, fields.status].map(Number).find((code) => code >= 400 && code < 600)
  return { said: toLine(said), kind, ...(status !== undefined && { status }), ...toContextNumbers(fields, said) }
}

function toDetail(detail: unknown): string | undefined {
  const text = toOptionalText(detail)
  if (text !== undefined) return text
  const messages = toList(detail).flatMap((item) => toOptionalText(toFields(item).msg) ?? [])
  return messages.length > 0 ? messages.join('; ') : undefined
}

/** How the length of a prompt is said: the first that fits counts. */
const promptForms = [
  /(\d+) in the messages/i,
  /(\d+) input tokens/i,
  /\((\d+) tokens\)/i,
  /requested (?:about )?(\d+)/i,
]

/** llama.cpp says them apart; the others in words, of which the forms of vLLM, SGLang and LM Studio are known. */
function toContextNumbers(fields: Fields, said: string): Pick<EngineComplaint, 'promptTokens' | 'contextLength'> {
  const line = toLine(said)
  const context = /context (?:length|size|window)[^\d]{0,40}(\d+)/i.exec(line)
  const words = promptForms.map((form) => form.exec(line)?.[1]).find((count) => count !== undefined)
  const contextLength = toOptionalCount(fields.n_ctx) ?? (context ? Number(context[1]) : undefined)
  const promptTokens = toOptionalCount(fields.n_prompt_tokens) ?? (words ? Number(words) : undefined)
  return {
    ...(promptTokens !== undefined && { promptTokens }),
    ...(contextLength !== undefined && { contextLength }),
  }
}

function toCode(status: number, { said, kind }: EngineComplaint, model: string | undefined): ErrorCode {
  if (status < 500 && saysOverflow(kind, said)) return 'context-overflow'
  if (status === 501 || saysUnsupported(kind, said)) return 'unsupported'
  switch (status) {
    case 401:
      return 'unauthorized'
    case 403:
      return 'forbidden'
    case 408:
    case 502:
    case 504:
      return 'engine-failed'
    case 429:
      return 'rate-limited'
    case 499:
      return 'cancelled'
    case 503:
      return 'busy'
  }
  if (status < 500 && model !== undefined && saysNoModel(kind, said)) return 'model-not-found'
  if (status === 400 || status === 413 || status === 422) return 'bad-input'
  if (status < 500) return 'backend-refused'
  return saysLoadFailed(said) ? 'model-load-failed' : 'engine-failed'
}

function saysOverflow(kind: string, said: string): boolean {
  if (/context_length_exceeded|exceed_context_size/i.test(kind)) return true
  return /context (length|size|window)|maximum model length|longer than the (maximum|model)/i.test(said)
}

function saysUnsupported(kind: string, said: string): boolean {
  if (/not_supported/i.test(kind)) return true
  return /(is|are) not supported|does not support|not a multimodal model|requires --enable-auto-tool-choice/i.test(said)
}

function saysNoModel(kind: string, said: string): boolean {
  return /model_not_found/i.test(kind) || /\bmodels?\b.*(not (be )?found|not exist|no such|unknown|invalid)/i.test(said)
}

function saysLoadFailed(said: string): boolean {
  return /(unable|failed|error) (to )?load|out of memory|insufficient (system )?(memory|resources)/i.test(said)
}

function toDetails({ said, promptTokens, contextLength }: EngineComplaint, model: string | undefined) {
  return {
    said,
    ...(model !== undefined && { model }),
    ...(promptTokens !== undefined && { promptTokens }),
    ...(contextLength !== undefined && { contextLength }),
  }
}

/** Only these two statuses ask to wait; elsewhere the header means another thing. */
function toRetryAfter({ status, headers }: RefusedAnswer): { retryAfterMs?: number } {
  const asksToWait = headers && (status === 429 || status === 503)
  const retryAfterMs = asksToWait ? parseRetryAfter(headers, Date.now()) : undefined
  return retryAfterMs === undefined ? {} : { retryAfterMs }
}

function toHint(code: ErrorCode, { status, headers, failedHint }: RefusedAnswer, complaint: EngineComplaint) {
  if (status >= 300 && status < 400) {
    const location = toOptionalText(headers?.location)
    return `It sends elsewhere${location ? `, to ${location}` : ''}. Put the real address into the url: lmapp config edit`
  }
  if (code === 'backend-refused') return 'Check the url, which usually ends in /v1: lmapp config edit'
  if (code === 'engine-failed') return failedHint
  if (code === 'context-overflow') {
    return 'Shorten it, or give the engine a longer context where it is started'
  }
  if (complaint.said.includes('--enable-auto-tool-choice')) {
    return 'Start vLLM with --enable-auto-tool-choice and --tool-call-parser'
  }
  return undefined
}

/** Enough of it for a person; an error page can be long. */
function toLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ').slice(0, 500)
}
