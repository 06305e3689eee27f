import type { ChatRequest, FinishReason, Part, Usage } from 'lmapp-kit'
import type { LlamaContextSequence, Token } from 'node-llama-cpp'
import type { LoadedModel } from '../engine/loaded-model.ts'
import type { JsonGrammar } from './json-grammar.ts'
import type { PreparedPrompt } from './prepare-prompt.ts'
import { createReasoningFilter, type SplitText } from './reasoning-filter.ts'
import { type RewrittenWord, rewriteWord } from './resume-answer.ts'
import { toSampling } from './sampling.ts'
import { createStopFilter } from './stop-filter.ts'
import { createTokenText } from './token-text.ts'

export interface WriteOptions {
  loaded: LoadedModel
  request: ChatRequest
  prompt: PreparedPrompt
  sequence: LlamaContextSequence
  /** Tokens that prompt and answer may have together. */
  room: number
  grammar: JsonGrammar | undefined
  signal: AbortSignal
  /** Kept up to date while it writes. */
  usage: Usage
}

/** Writes the answer to a prompt that is read but for its last piece. However it ends, text that was held back is given out. */
export async function* writeAnswer(options: WriteOptions): AsyncGenerator<Part, FinishReason, void> {
  const { usage } = options
  const reasoning = createReasoningFilter(options.prompt.begin)
  const stop = createStopFilter(options.request.options?.stop ?? [])
  const pieces = writePieces(options)
  try {
    for (;;) {
      const counted = usage.outputTokens ?? 0
      const { value, done } = await pieces.next()
      const split = done ? reasoning.flush() : reasoning.push(value)
      if (reasoning.thinking) usage.reasoningTokens = (usage.reasoningTokens ?? 0) + (usage.outputTokens ?? 0) - counted
      for (const part of split) {
        if (part.kind === 'reasoning') yield { type: 'reasoning-delta', text: part.text }
        else if (yield* passStop(stop, part)) return 'stop'
      }
      if (!done) continue
      yield* toDelta(stop.flush())
      return value
    }
  } finally {
    await pieces.return('cancelled')
  }
}

/** True when a stop sequence came. */
function* passStop(stop: ReturnType<typeof createStopFilter>, part: SplitText): Generator<Part, boolean, void> {
  const { text, stopped } = stop.push(part.text)
  yield* toDelta(text)
  return stopped
}

function* toDelta(text: string): Generator<Part, void, void> {
  if (text !== '') yield { type: 'text-delta', text }
}

/** The model's words as they come, one piece for each token. */
async function* writePieces(options: WriteOptions): AsyncGenerator<string, FinishReason, void> {
  const { loaded, prompt, sequence, signal, usage } = options
  const rewritten = await takeUp(options)
  const record = createRecord(prompt, rewritten)
  const text = createTokenText(loaded.model, [...prompt.tokens, ...(rewritten?.tokens ?? [])])
  const read = prompt.tokens.length + (rewritten?.tokens.length ?? 0)
  const most = Math.min(options.request.options?.maxTokens ?? Number.POSITIVE_INFINITY, options.room - read)
  const tokens = sequence.evaluate(rewritten?.unread ?? prompt.tokens.slice(sequence.nextTokenIndex), {
    ...toSampling(options.request.options ?? {}, () => record.tokens),
    ...(options.grammar && { grammarEvaluationState: options.grammar.state }),
  })
  usage.outputTokens = 0
  try {
    if (rewritten?.beyond) yield rewritten.beyond
    if (most <= 0) return 'length'
    for (let next = begin(tokens, loaded); ; ) {
      if (signal.aborted) return 'cancelled'
      loaded.checkFile()
      const { value: token, done } = await next
      if (done) return 'stop'
      usage.outputTokens++
      const piece = text.push(token)
      record.push(token, piece)
      const isLast = usage.outputTokens >= most
      // llama.cpp computes the next token while this one is on its way.
      if (!isLast && !signal.aborted) next = begin(tokens, loaded)
      yield piece
      if (isLast) return 'length'
    }
  } finally {
    loaded.answers.keep(record)
    await tokens.return()
  }
}

/** The next token. Nobody may be there any more to hear of its failure. */
function begin(tokens: AsyncGenerator<Token, void>, { runtime }: LoadedModel): Promise<IteratorResult<Token, void>> {
  runtime.governor.pace()
  const next = tokens.next()
  next.catch(() => {})
  return next
}

async function takeUp({ prompt, sequence, signal }: WriteOptions): Promise<RewrittenWord | undefined> {
  const withdrawn = prompt.resumption?.withdrawn ?? ''
  if (withdrawn === '') return undefined
  return await rewriteWord(sequence, prompt.tokens.slice(sequence.nextTokenIndex), withdrawn, signal)
}

/** The answer with the tokens it is made of, from its beginning. */
function createRecord({ resumption }: PreparedPrompt, rewritten: RewrittenWord | undefined) {
  const tokens = [...(resumption?.tokens ?? []), ...(rewritten?.tokens ?? [])]
  const record = {
    text: (resumption?.raw ?? '') + (rewritten?.beyond ?? ''),
    tokens,
    ends: tokens.map(() => -1),
    push(token: Token, piece: string): void {
      record.text += piece
      record.tokens.push(token)
      record.ends.push(record.text.length)
    },
  }
  if (tokens.length > 0) record.ends[tokens.length - 1] = record.text.length
  return record
}
