import { type ChatRequest, isLmappError, type Message, type Part, type Status } from 'lmapp-kit'
import { type Asked, readAnswer } from '../answer.ts'
import { toChatBody } from '../chat-body.ts'
import { type Sender, sendUntilHeaders } from '../send.ts'
import type { Road } from './road.ts'

const trialPrompt: Message = {
  role: 'user',
  content: [{ type: 'text', text: 'Name the days of the week in order.' }],
}
/** Tokens. Enough to see that it neither repeats nor starts anew. */
const trialLength = 24
const fewestPieces = 8

/** Its own greedy answer, cut between two tokens: what it adds to the first half must be the second half. */
export async function* tryRoad(
  road: Road,
  { sender, asked }: { sender: Sender; asked: Asked },
  signal: AbortSignal,
): AsyncGenerator<Status, boolean, undefined> {
  const pieces = yield* readTexts(askPlainly(sender, toTrial(asked, [trialPrompt], trialLength), signal))
  if (pieces.length < fewestPieces) return false
  const cut = pieces.length >> 1
  const rest = pieces.slice(cut).join('')
  const partial: Message = { role: 'assistant', content: [{ type: 'text', text: pieces.slice(0, cut).join('') }] }
  const again = road.go(toTrial(asked, [trialPrompt, partial], trialLength - cut), signal)
  const continued = (yield* readUnlessRefused(again)).join('')
  return continued.length * 2 >= rest.length && (rest.startsWith(continued) || continued.startsWith(rest))
}

/** In the context of the chat that it is made for, so that the model is not loaded twice. */
function toTrial({ body, version }: Asked, messages: Message[], maxTokens: number): Asked {
  const { model } = body
  const request: ChatRequest = { model, messages, options: { temperature: 0, seed: 1, maxTokens } }
  const contextLength = body.options.num_ctx
  return { request, version, body: toChatBody(request, { model, contextLength, thinks: undefined, version }) }
}

async function* askPlainly(sender: Sender, asked: Asked, signal: AbortSignal): AsyncGenerator<Part, void, undefined> {
  const response = yield* sendUntilHeaders(sender, { path: '/api/chat', body: asked.body }, signal)
  try {
    yield* readAnswer(response, asked)
  } finally {
    response.close()
  }
}

/** Of its statuses those that tell of a load are passed on. */
async function* readTexts(parts: AsyncIterable<Part>): AsyncGenerator<Status, string[], undefined> {
  const texts: string[] = []
  for await (const part of parts) {
    if (part.type === 'status' && part.phase === 'loading') yield part
    if (part.type === 'text-delta') texts.push(part.text)
  }
  return texts
}

async function* readUnlessRefused(parts: AsyncIterable<Part>): AsyncGenerator<Status, string[], undefined> {
  try {
    return yield* readTexts(parts)
  } catch (error) {
    if (isLmappError(error) && ['bad-input', 'unsupported'].includes(error.code)) return []
    throw error
  }
}
