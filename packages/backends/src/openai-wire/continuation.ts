import { type ChatRequest, isLmappError, LmappError, type Message, type Part, type Status, toText } from 'lmapp-kit'
import { createMemoryProofs, type Proofs, type Verdict } from '../external/index.ts'

export type ContinuationManner = Exclude<Verdict, 'none'>

/** What a proof holds for. */
export interface ContinuationSubject {
  /** The engine's name, also for messages. */
  engine: string
  /** Where it does not say its version nobody sees an update: a proof then holds only as long as this backend. */
  version?: string
  model: string
  /** What tells it from another model of that name: its file, size, template; where the engine is. */
  facts: readonly unknown[]
}

export interface ContinuationTarget extends ContinuationSubject {
  /** Sends a request and reads its answer. */
  ask(request: ChatRequest): AsyncIterable<Part>
}

/** Whether a model goes on with a partial answer, exactly. Tried once for each subject, and remembered. */
export interface Continuation {
  /** Says that it tries, when it does. Throws `unsupported`. */
  assertProved(request: ChatRequest, target: ContinuationTarget): AsyncGenerator<Status, ContinuationManner, undefined>
  /** Undefined as long as nobody tried. */
  known(subject: ContinuationSubject): Promise<boolean | undefined>
}

const trialPrompt: Message = {
  role: 'user',
  content: [{ type: 'text', text: 'Name the days of the week in order.' }],
}
/** Tokens. Enough to see whether it repeats or starts anew. */
const trialLength = 24
const fewestPieces = 8

export function createContinuation({ proofs }: { proofs: Proofs }): Continuation {
  const passing = createMemoryProofs()
  const proofsOf = ({ version }: ContinuationSubject) => (version === undefined ? passing : proofs)
  return {
    async *assertProved(request, target) {
      const { engine } = target
      if (request.schema) throw refusal(target, 'under a JSON schema')
      let verdict = await proofsOf(target).get(toKey(target))
      if (verdict === undefined) {
        yield { type: 'status', phase: 'prompt', message: `trying whether ${engine} can go on with an answer` }
        verdict = await tryIt(target)
        await proofsOf(target).set(toKey(target), verdict)
      }
      if (verdict === 'none') throw refusal(target, 'exactly where it broke off')
      return verdict
    },
    async known(subject) {
      const verdict = await proofsOf(subject).get(toKey(subject))
      return verdict === undefined ? undefined : verdict !== 'none'
    },
  }
}

function toKey({ engine, version, model, facts }: ContinuationSubject): string {
  return JSON.stringify([engine, version, model, ...facts])
}

/** Its own greedy answer, cut between two tokens: what it adds to the first half must be the second half. */
async function tryIt(target: ContinuationTarget): Promise<Verdict> {
  const pieces = await readPieces(target, { messages: [trialPrompt] }, trialLength)
  if (pieces.length < fewestPieces) return 'none'
  const cut = pieces.length >> 1
  const [first, second] = [pieces.slice(0, cut).join(''), pieces.slice(cut).join('')]
  const partial: Message = { role: 'assistant', content: [{ type: 'text', text: first }] }
  const asked = { messages: [trialPrompt, partial], continue: true }
  const continued = (await unlessRefused(readPieces(target, asked, trialLength - cut))).join('')
  if (goesOn(continued, second)) return 'only-new'
  return continued.startsWith(first) && goesOn(continued.slice(first.length), second) ? 'repeats' : 'none'
}

function goesOn(continued: string, second: string): boolean {
  return continued.length * 2 >= second.length && (second.startsWith(continued) || continued.startsWith(second))
}

/** Nothing when the model thinks first: what it thinks stands before its answer, and no half of it can be cut there. */
async function readPieces(
  { ask, model }: ContinuationTarget,
  request: Omit<ChatRequest, 'model'>,
  maxTokens: number,
): Promise<string[]> {
  const pieces: string[] = []
  for await (const part of ask({ model, ...request, options: { temperature: 0, seed: 1, maxTokens } })) {
    if (part.type === 'reasoning-delta') return []
    if (part.type === 'text-delta') pieces.push(part.text)
  }
  return pieces
}

/** A server may simply not take an assistant's message as the last one. */
async function unlessRefused(pieces: Promise<string[]>): Promise<string[]> {
  try {
    return await pieces
  } catch (error) {
    if (isLmappError(error) && ['bad-input', 'unsupported', 'backend-refused'].includes(error.code)) return []
    throw error
  }
}

/**
 * What is new in the answer of an engine that repeats what it was given. Throws `protocol-violation` where it does not
 * give the same again.
 */
export async function* withoutRepetition(
  parts: AsyncIterable<Part>,
  { request, engine }: { request: ChatRequest; engine: string },
): AsyncGenerator<Part, void, undefined> {
  let due = toText(request.messages.at(-1)?.content ?? [])
  for await (const part of parts) {
    if (part.type !== 'text-delta' || due === '') {
      if (part.type === 'finish' && due !== '') throw startedAnew(engine)
      yield part
      continue
    }
    const shared = Math.min(due.length, part.text.length)
    if (part.text.slice(0, shared) !== due.slice(0, shared)) throw startedAnew(engine)
    due = due.slice(shared)
    const text = part.text.slice(shared)
    if (text !== '') yield { ...part, text }
  }
}

function startedAnew(engine: string): LmappError {
  return new LmappError('protocol-violation', `${engine} did not go on with the answer, but began another one.`, {
    hint: 'Ask anew, or go on with another model: lmapp continue -m MODEL',
  })
}

function refusal({ engine, model }: ContinuationTarget, where: string): LmappError {
  return new LmappError('unsupported', `${engine} cannot go on with an answer of ${model} ${where}.`, {
    hint: 'Ask anew, or go on with another model: lmapp continue -m MODEL',
    details: { model, capability: 'continue' },
  })
}
