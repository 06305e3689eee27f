import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { defaultCredit } from 'lmapp-kit'
import { askIsRunning, readToEnd, toRequest } from './ask.ts'
import type { Judge } from './judge.ts'
import { atMost, within } from './wire/wait.ts'

/** What a chat of this plugin is like when nothing disturbs it. */
export interface Usual {
  /** From the request to its first part, the model being loaded. */
  firstPartMs: number
  text: string
  parts: number
  /** The same question had the same answer twice. */
  isSteady: boolean
}

/** Asks the question twice, and the one for characters: what is then seen on the line counts too. */
export async function findUsual(judge: Judge): Promise<Usual> {
  const first = await askOnce(judge, judge.prompts.question)
  const second = await askOnce(judge, judge.prompts.question, leastCredit)
  // An engine may refuse that one; what matters is what it says if it does not.
  await askOnce(judge, judge.prompts.characters).catch(() => judge.renew())
  await askIsRunning(judge, await judge.wire())
  return { ...second, isSteady: first.text === second.text }
}

/** So little that who does not heed it is seen. */
const leastCredit = 2
const leastPauseMs = 100

async function askOnce(judge: Judge, prompt: string, credit = defaultCredit): Promise<Omit<Usual, 'isSteady'>> {
  const wire = await judge.wire()
  const request = await toRequest(judge, prompt)
  const from = performance.now()
  const chat = wire.chat(request, credit)
  await within(judge.chatMs, chat.until(1), 'part of a chat')
  const firstPartMs = performance.now() - from
  await atMost(leastPauseMs + firstPartMs * 2, chat.until(credit))
  await askIsRunning(judge, wire)
  if (!chat.answered) chat.grant(defaultCredit)
  await readToEnd(judge, chat)
  assert.ok(chat.count > 0, 'The chat ended without any part.')
  return { firstPartMs, text: chat.text, parts: chat.count }
}
