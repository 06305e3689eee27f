import { type ChatRequest, LmappError, type Status } from 'lmapp-kit'
import type { Catalogue } from './catalogue.ts'
import type { ChatBody, WireMessage } from './chat-body.ts'
import { readChatStream } from './chat-stream.ts'
import type { OllamaConnection } from './connection.ts'
import { planContext } from './context.ts'
import { leavesLastMessageOpen } from './models.ts'

/** Whether a model goes on with a partial answer, exactly. Tried once for each digest and engine version, in memory. */
export interface Continuation {
  /** Says that it tries, when it does. Throws `unsupported`. */
  assertProved(request: ChatRequest, model: string, signal: AbortSignal): AsyncGenerator<Status, void, undefined>
  /** Undefined as long as nobody tried. */
  known(model: string): boolean | undefined
}

const trialPrompt: WireMessage = { role: 'user', content: 'Name the days of the week in order.' }
/** Tokens. Enough to see that it neither repeats nor starts anew. */
const trialLength = 24
const fewestPieces = 8

export function createContinuation(connection: OllamaConnection, catalogue: Catalogue): Continuation {
  const verdicts = new Map<string, boolean>()
  const latest = new Map<string, boolean>()

  const judge = async (model: string, signal: AbortSignal) => {
    const details = await catalogue.details(model, { signal })
    // What a model thinks stands before its answer: the trial would have to prove that as well.
    if (details?.info.capabilities?.reasoning === 'yes') return false
    if (!leavesLastMessageOpen(details?.info.template)) return false
    const { contextLength } = planContext({ model, messages: [] }, await catalogue.contextFacts(model, { signal }))
    catalogue.planned(model, contextLength)
    return tryIt(connection, { model, contextLength }, signal)
  }

  return {
    async *assertProved(request, model, signal) {
      if (request.schema) throw refusal(model, 'under a JSON schema')
      const entry = (await catalogue.list({ signal })).find((listed) => listed.id === model)
      const key = `${model} ${entry?.digest} ${connection.version}`
      let verdict = verdicts.get(key)
      if (verdict === undefined) {
        yield { type: 'status', phase: 'prompt', message: `trying whether ${model} can go on with an answer` }
        verdict = await judge(model, signal)
        verdicts.set(key, verdict)
      }
      latest.set(model, verdict)
      if (!verdict) throw refusal(model, 'exactly where it broke off')
    },
    known: (model) => latest.get(model),
  }
}

/** Its own greedy answer, cut between two tokens: what it adds to the first half must be the second half. */
async function tryIt(
  connection: OllamaConnection,
  options: { model: string; contextLength: number },
  signal: AbortSignal,
): Promise<boolean> {
  const ask = (messages: WireMessage[], length: number) =>
    readTexts(connection, toTrialBody(options, messages, length), signal)
  const pieces = await ask([trialPrompt], trialLength)
  if (pieces.length < fewestPieces) return false
  const cut = pieces.length >> 1
  const rest = pieces.slice(cut).join('')
  const partial: WireMessage = { role: 'assistant', content: pieces.slice(0, cut).join('') }
  const continued = (await ask([trialPrompt, partial], trialLength - cut)).join('')
  return continued.length * 2 >= rest.length && (rest.startsWith(continued) || continued.startsWith(rest))
}

function toTrialBody(
  { model, contextLength }: { model: string; contextLength: number },
  messages: WireMessage[],
  length: number,
): ChatBody {
  return {
    model,
    messages,
    stream: true,
    truncate: false,
    shift: false,
    options: { temperature: 0, seed: 1, num_predict: length, num_ctx: contextLength },
  }
}

async function readTexts(connection: OllamaConnection, body: ChatBody, signal: AbortSignal): Promise<string[]> {
  const response = await connection.request({ method: 'POST', path: '/api/chat', body, model: body.model, signal })
  try {
    const parts = await Array.fromAsync(readChatStream(response.bytes()))
    response.release()
    return parts.flatMap((part) => (part.type === 'text-delta' ? [part.text] : []))
  } finally {
    response.close()
  }
}

function refusal(model: string, where: string): LmappError {
  return new LmappError('unsupported', `Ollama cannot go on with an answer of ${model} ${where}.`, {
    hint: 'Ask anew, or go on with another model: lmapp continue -m MODEL',
    details: { model, capability: 'continue' },
  })
}
