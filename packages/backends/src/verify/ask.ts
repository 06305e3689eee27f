import assert from 'node:assert/strict'
import { type ChatOptions, type ChatRequest, defaultCredit, type Health } from 'lmapp-kit'
import { isFields } from '../json/fields.ts'
import type { Judge } from './judge.ts'
import { NotApplicable } from './not-applicable.ts'
import { resultOf } from './wire/answers.ts'
import type { ChatExchange } from './wire/chat-exchange.ts'
import { show } from './wire/findings.ts'
import type { Answer } from './wire/rpc.ts'
import { atMost, within } from './wire/wait.ts'
import type { Wire } from './wire/wire.ts'

/** No plugin has it. */
export const missingModel = 'no-such-model-0d9f2c'

/** A greedy, bounded request for an answer to `prompt`. */
export async function toRequest(judge: Judge, prompt: string, options: ChatOptions = {}): Promise<ChatRequest> {
  return {
    model: await judge.model(),
    messages: [{ role: 'user', content: [{ type: 'text', text: prompt }] }],
    options: { temperature: 0, seed: 1, maxTokens: 32, ...options },
  }
}

/** For an answer that will not be over before it is cut short. */
export function toLongRequest(judge: Judge, maxTokens = 2048): Promise<ChatRequest> {
  return toRequest(judge, judge.prompts.long, { maxTokens })
}

/** Waits for the finish; its reason. */
export async function readToEnd(judge: Judge, chat: ChatExchange): Promise<string> {
  return reasonOf(await within(judge.chatMs, chat.answer, 'response to a chat'))
}

export function reasonOf(answer: Answer): string {
  const finish = resultOf(answer, 'A chat')
  assert.ok(isFields(finish) && finish.type === 'finish', `The response to a chat is no finish: ${show(finish)}`)
  return String(finish.reason)
}

/** Asks the usual question, and reads the answer to its end. */
export async function askUsual(judge: Judge, wire: Wire): Promise<ChatExchange> {
  const request = await toRequest(judge, judge.prompts.question)
  const chat = wire.chat(request, defaultCredit, { flows: true })
  await readToEnd(judge, chat)
  assert.ok(chat.count > 0, 'The chat ended without any part.')
  return chat
}

/** Begins a long answer, and waits for its first part. With so little credit it cannot be over before it is cut short. */
export async function beginLong(judge: Judge, wire: Wire, credit = 8): Promise<ChatExchange> {
  const chat = wire.chat(await toLongRequest(judge), credit)
  await within(judge.chatMs, chat.until(1), 'part of a chat')
  // What has nothing more to say has said so before it answers this.
  await atMost(Math.min(judge.timeouts.healthMs, sayMs), wire.ask('is_running').answer)
  if (!chat.answered) return chat
  reasonOf(await chat.answer)
  throw new NotApplicable('the answer to prompts.long is too short')
}

const sayMs = 300

export async function assertCancelled(judge: Judge, chat: ChatExchange): Promise<void> {
  const { cancelMs } = judge.timeouts
  const reason = reasonOf(await within(cancelMs, chat.answer, 'response to a cancelled chat'))
  assert.equal(reason, 'cancelled', `It finished with ${reason}, where cancelled was due.`)
}

/** Health, which must come in time. */
export async function askIsRunning(judge: Judge, wire: Wire): Promise<Health> {
  const { healthMs } = judge.timeouts
  const answer = await within(healthMs, wire.ask('is_running').answer, 'answer to is_running')
  const health = resultOf(answer, 'is_running')
  assert.ok(isFields(health), `The result of is_running is no object: ${show(health)}`)
  return health as unknown as Health
}
