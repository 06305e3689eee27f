import { type ChatRequest, LmappError, type Message, type Warning } from 'lmapp-kit'
import type { Token } from 'node-llama-cpp'
import type { Reader } from '../engine/vocabulary.ts'
import { toPromptMessages } from '../prompt/prompt-messages.ts'
import { type PromptPiece, renderPrompt } from '../prompt/render-prompt.ts'
import { tokenizePrompt } from '../prompt/tokenize.ts'
import type { AnswerBegin } from './reasoning-filter.ts'
import { type Resumption, resumeAnswer } from './resume-answer.ts'
import { unsupportedSetting } from './sampling.ts'

export interface PreparedPrompt {
  /** Everything that is read before the first new token. */
  tokens: Token[]
  begin: AnswerBegin
  resumption?: Resumption
  warnings: Warning[]
}

export async function preparePrompt(
  loaded: Reader,
  request: Pick<ChatRequest, 'messages' | 'continue' | 'reasoning' | 'schema'>,
  signal?: AbortSignal,
): Promise<PreparedPrompt> {
  const partial = request.continue ? request.messages.at(-1) : undefined
  const messages = partial ? request.messages.slice(0, -1) : request.messages
  const pieces = renderPrompt(loaded.template, toPromptMessages(messages), {
    bosToken: loaded.model.tokens.bosString ?? '',
    eosToken: loaded.model.tokens.eosString ?? '',
    ...reasoningValues(request.reasoning),
  })
  const tokens = await tokenizePrompt(loaded.model, loaded.answers, pieces, signal)
  const warnings = [...templateWarnings(loaded), ...reasoningWarnings(loaded, request.reasoning)]
  const thinking = opensThought(pieces)
  if (!partial) {
    const begin = request.schema ? 'decided' : thinking ? 'thinking' : 'undecided'
    return { tokens, begin, warnings }
  }
  const { raw, begin } = toRawAnswer(partial, thinking)
  if (raw === '') return { tokens, begin, warnings }
  const resumption = await resumeAnswer(loaded, raw, tokens, signal)
  return { tokens: [...tokens, ...resumption.tokens], begin, resumption, warnings }
}

/** The partial answer as the model wrote it, thought included. */
function toRawAnswer(message: Message, thinking: boolean): { raw: string; begin: AnswerBegin } {
  if (message.content.some((item) => item.type === 'tool-call')) {
    throw new LmappError('unsupported', 'An answer that calls tools cannot be continued.', {
      details: { capability: 'continue' },
    })
  }
  const [{ text, reasoning } = { text: '', reasoning: undefined }] = toPromptMessages([message])
  if (reasoning === undefined && !thinking) return { raw: text, begin: text === '' ? 'undecided' : 'decided' }
  const opening = thinking ? '' : '<think>\n'
  if (text !== '') return { raw: `${opening}${reasoning ?? ''}\n</think>\n\n${text}`, begin: 'decided' }
  if (reasoning === undefined) return { raw: '', begin: 'thinking' }
  return { raw: `${opening}${reasoning}`, begin: 'resumed' }
}

function opensThought(pieces: readonly PromptPiece[]): boolean {
  const last = pieces.at(-1)
  return last?.origin === 'template' && /<think>\s*$/.test(last.text)
}

function reasoningValues(reasoning: ChatRequest['reasoning']): { thinking?: boolean; effort?: string } {
  if (reasoning === undefined) return {}
  return { thinking: reasoning !== false, ...(typeof reasoning === 'string' && { effort: reasoning }) }
}

function reasoningWarnings(loaded: Reader, reasoning: ChatRequest['reasoning']): Warning[] {
  const template = loaded.templateText ?? ''
  const thinks = /<\/?think>|enable_thinking/.test(template)
  if (reasoning === undefined || (reasoning === false && !thinks)) return []
  if (typeof reasoning === 'string' && /reasoning_effort/.test(template)) return []
  if (typeof reasoning === 'boolean' && /enable_thinking/.test(template)) return []
  const what = thinks ? 'always reasons as much as it wants' : 'does not reason'
  return [unsupportedSetting('reasoning', `"${loaded.file.id}" ${what}.`)]
}

function templateWarnings(loaded: Reader): Warning[] {
  if (loaded.templateText !== undefined) return []
  const message = `"${loaded.file.id}" says nothing about how it is talked to; the usual way (ChatML) is taken.`
  return [{ type: 'warning', code: 'other', message }]
}
