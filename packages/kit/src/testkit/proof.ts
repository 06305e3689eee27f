import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { Backend } from '../backend.ts'
import type { ChatRequest } from '../chat-request.ts'
import type { Content, Message, Role } from '../content.ts'
import { type ErrorCode, errorTable } from '../errors/error-table.ts'
import type { FinishReason } from '../part.ts'
import type { BackendHarness, Prompts } from './harness.ts'
import { finishOf, readChat, type Transcript, tryChat } from './read-chat.ts'

/** Shows that a backend has a behaviour, or throws. */
export type Proof = (context: ProofContext) => Promise<void>

export interface ProofContext {
  harness: BackendHarness
  prompts: Prompts
  /** The model to ask: of the requirement's capability, else the harness's own. */
  model: string
  /** Started; shared with other proofs, which leave it as it was. */
  backend: Backend
  /** Another one, not started, for a proof that starts and stops it. Disposed of after the proof. */
  open(): Promise<Backend>
  /** Aborts when the proof's time is up. */
  signal: AbortSignal
}

const allCodes = Object.keys(errorTable) as ErrorCode[]

export const missingModel = 'no-such-model-0d9f2c'

/** A greedy, bounded request for an answer to `prompt`. */
export function toRequest(context: ProofContext, prompt: string, more: Partial<ChatRequest> = {}): ChatRequest {
  const { options, ...rest } = more
  return {
    model: context.model,
    messages: [toMessage('user', prompt)],
    ...rest,
    options: { temperature: 0, seed: 1, maxTokens: 32, ...options },
  }
}

export function toMessage(role: Role, text: string, ...others: Content[]): Message {
  return { role, content: [{ type: 'text', text }, ...others] }
}

export function ask(context: ProofContext, prompt: string, more: Partial<ChatRequest> = {}): Promise<Transcript> {
  return readChat(context.backend.chat(toRequest(context, prompt, more), { signal: context.signal }))
}

/** What this backend says each time: the second answer, since an engine's cache may bend the first one's numbers. */
export async function askTwice(
  context: ProofContext,
  prompt: string,
  more: Partial<ChatRequest> = {},
): Promise<Transcript> {
  await ask(context, prompt, more)
  return ask(context, prompt, more)
}

/** Proves that the backend is whole: a chat of its own is answered. */
export async function assertAnswers(context: ProofContext, backend: Backend = context.backend): Promise<void> {
  const request = toRequest(context, context.prompts.question, { model: context.harness.model })
  const transcript = await readChat(backend.chat(request, { signal: context.signal }))
  assert.notEqual(transcript.text, '', 'The next chat has no text.')
  assert.notEqual(finishOf(transcript).reason, 'cancelled', 'The next chat was cancelled, and nobody asked for it.')
}

export function assertFinish(transcript: Transcript, due: FinishReason): void {
  const { reason } = finishOf(transcript)
  assert.equal(reason, due, `It finished with ${reason}, where ${due} was due.`)
}

/** Waits until health shows no chat; the proof's deadline bounds it. */
export async function assertBecomesIdle(context: ProofContext, backend: Backend = context.backend): Promise<void> {
  for (;;) {
    const health = await backend.isRunning({ signal: context.signal })
    if (health.active === 0 && health.queued === 0) return
    if (context.signal.aborted) assert.fail(`Health still shows ${health.active} active and ${health.queued} queued.`)
    await delay(10)
  }
}

/** Reads until the first delta of text or thought, then does something, then reads on. */
export function onFirstDelta(act: () => void | Promise<void>): (transcript: Transcript) => Promise<void> {
  let done = false
  return async ({ deltas, reasoning }) => {
    if (done || (deltas.length === 0 && reasoning === '')) return
    done = true
    await act()
  }
}

/** The code of an `LmappError`, also one of another copy of this package. Anything else fails the proof. */
export function codeOf(error: unknown): ErrorCode {
  const { name, code } = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown
    code?: unknown
  }
  const known = typeof code === 'string' && Object.hasOwn(errorTable, code)
  assert.ok(name === 'LmappError' && known, `It threw what is no LmappError: ${String(error)}`)
  return code as ErrorCode
}

/** The chat throws one of these codes, or any, before any text. */
export async function assertRefused(
  context: ProofContext,
  request: ChatRequest,
  codes: readonly ErrorCode[] = allCodes,
): Promise<void> {
  const { transcript, error } = await tryChat(context.backend.chat(request, { signal: context.signal }))
  assert.ok(error !== undefined, 'It was answered, where an error was due.')
  assertCode(error, codes)
  assert.equal(transcript.text, '', 'There was text before the error.')
}

/** The call rejects with one of these codes, or any. */
export async function assertRejects(
  call: () => Promise<unknown>,
  codes: readonly ErrorCode[] = allCodes,
): Promise<void> {
  const error = await call().then(
    () => assert.fail('It succeeded, where an error was due.'),
    (reason: unknown) => reason,
  )
  assertCode(error, codes)
}

export function assertCode(error: unknown, codes: readonly ErrorCode[]): void {
  const code = codeOf(error)
  assert.ok(codes.includes(code), `It threw ${code}, where one of these was due: ${codes.join(', ')}.`)
}

/** What it cannot do is said: by `unsupported`, or by a warning part. */
export async function assertDeclined(context: ProofContext, request: ChatRequest): Promise<void> {
  const { transcript, error } = await tryChat(context.backend.chat(request, { signal: context.signal }))
  if (error !== undefined) return assertCode(error, ['unsupported'])
  assert.notEqual(transcript.warnings.length, 0, 'It was taken and dropped in silence.')
}
