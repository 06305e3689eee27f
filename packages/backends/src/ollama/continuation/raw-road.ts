import { type Finish, type Part, type Status, toText } from 'lmapp-kit'
import type { HttpResponse } from '../../http/index.ts'
import { parseJson, toFields, toList, toOptionalText } from '../../json/fields.ts'
import { type Asked, readAnswer } from '../answer.ts'
import type { ChatBody } from '../chat-body.ts'
import { assertAnsweredFor } from '../engine-error.ts'
import { type Sender, sendUntilHeaders } from '../send.ts'
import { healCut } from './heal-cut.ts'
import { cutLastWord } from './last-word.ts'
import { type Road, refusal } from './road.ts'

/** Marks by which templates and vocabularies part messages: Ollama reads them as such wherever they stand. */
const marks =
  /<[|｜]|[|｜]>|<\/?s>|\[\/?[A-Z_]{3,}\]|<\/?(bos|eos|unk|pad|think|thinking|tool_call|start_of_turn|end_of_turn)>|\[img-\d+\]/i

/**
 * Ollama renders the prompt itself, up to where the answer begins (`_debug_render_only`, since 0.11), and goes on behind
 * what is kept of the answer by `/api/generate`, which reads it as it stands (`raw`).
 */
export function createRawRoad(sender: Sender): Road {
  return {
    name: 'raw',
    mayLead: () => true,
    async *go(asked, signal) {
      const { request, body } = asked
      const partial = toText(request.messages.at(-1)?.content ?? [])
      if (request.messages.length < 2) throw refusal(request.model, 'to which there is no question')
      if (marks.test(partial)) throw refusal(request.model, 'that holds marks of its template')
      const cut = cutLastWord(partial)
      if (!cut) throw refusal(request.model, 'that has no last word')
      const prompt = yield* renderPrompt(sender, asked, signal)
      yield { type: 'status', phase: 'prompt' }
      const healed = await healCut(cut.withdrawn, (written) =>
        askNextTokens(sender, toGenerateBody(body, prompt + cut.kept + written), signal),
      )
      if (!healed) throw refusal(request.model, 'that its own tokens cannot write')
      const whole = toGenerateBody(body, prompt + cut.kept + healed.written)
      yield* generate(sender, { asked, body: whole, beyond: healed.beyond }, signal)
    },
  }
}

/** Up to where the answer begins. This is what loads the model. Older versions answer instead: one token of that is asked for. */
async function* renderPrompt(
  sender: Sender,
  { request, body }: Asked,
  signal: AbortSignal,
): AsyncGenerator<Status, string, undefined> {
  const question = {
    ...body,
    messages: body.messages.slice(0, -1),
    options: { ...body.options, num_predict: 1 },
    stream: false,
    _debug_render_only: true,
  }
  let response: HttpResponse | undefined
  try {
    response = yield* sendUntilHeaders(sender, { path: '/api/chat', body: question }, signal)
    const answer = toFields(parseJson(await response.text()))
    const prompt = toOptionalText(toFields(answer._debug_info).rendered_template)
    if (prompt === undefined) throw refusal(request.model, 'since it does not show the prompt')
    if (/<think(ing)?>\s*$|\[THINK\]\s*$/i.test(prompt)) throw refusal(request.model, 'before its thoughts')
    return prompt
  } finally {
    response?.close()
  }
}

type GenerateBody = Omit<ChatBody, 'messages' | 'stream'> & { prompt: string; raw: true; stream: boolean }

function toGenerateBody({ model, truncate, shift, options }: ChatBody, prompt: string): GenerateBody {
  return { model, prompt, raw: true, stream: true, truncate, shift, options }
}

/** Without logarithms of probabilities, which versions before 0.12.11 do not give, there is none. */
async function askNextTokens(sender: Sender, body: GenerateBody, signal: AbortSignal): Promise<string[]> {
  const { stop: _stop, ...options } = body.options
  const response = await sender.connection.request({
    method: 'POST',
    path: '/api/generate',
    body: {
      ...body,
      stream: false,
      logprobs: true,
      top_logprobs: 20,
      options: { ...options, temperature: 0, num_predict: 1 },
    },
    model: body.model,
    signal,
  })
  const answer = toFields(parseJson(await response.text()))
  assertAnsweredFor(body.model, answer)
  const first = toFields(toList(answer.logprobs)[0])
  const likely = toList(first.top_logprobs).map(toFields)
  return [first, ...likely.toSorted((one, other) => toProbability(other) - toProbability(one))].flatMap(
    ({ token }) => toOptionalText(token) ?? [],
  )
}

function toProbability({ logprob }: { logprob?: unknown }): number {
  return typeof logprob === 'number' ? logprob : Number.NEGATIVE_INFINITY
}

interface Generation {
  asked: Asked
  body: GenerateBody
  /** New text that the last healed token brought along. */
  beyond: string
}

async function* generate(
  sender: Sender,
  { asked, body, beyond }: Generation,
  signal: AbortSignal,
): AsyncGenerator<Part, void, undefined> {
  const { maxTokens } = asked.request.options ?? {}
  const spent = beyond === '' ? 0 : 1
  const left = maxTokens === undefined ? undefined : maxTokens - spent
  if (left !== undefined && left <= 0) {
    yield { type: 'text-delta', text: beyond }
    yield { type: 'finish', reason: 'length', usage: { outputTokens: spent } }
    return
  }
  const { logprobs, top_logprobs = 0 } = asked.body
  const options = { ...body.options, ...(left !== undefined && { num_predict: left }) }
  const whole = { ...body, options, ...(logprobs && { logprobs, top_logprobs }) }
  let response: HttpResponse | undefined
  try {
    response = yield* sendUntilHeaders(sender, { path: '/api/generate', body: whole }, signal)
    yield { type: 'status', phase: 'generating' }
    if (beyond !== '') yield { type: 'text-delta', text: beyond }
    for await (const part of readAnswer(response, asked)) yield withTokens(part, spent)
  } finally {
    response?.close()
  }
}

function withTokens(part: Part, more: number): Part | Finish {
  if (part.type !== 'finish' || part.usage.outputTokens === undefined) return part
  return { ...part, usage: { ...part.usage, outputTokens: part.usage.outputTokens + more } }
}
