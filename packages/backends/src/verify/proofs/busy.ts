import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { type ChatRequest, defaultCredit } from 'lmapp-kit'
import { askIsRunning, readToEnd, reasonOf, toLongRequest, toRequest } from '../ask.ts'
import type { Judge, Proof } from '../judge.ts'
import { NotApplicable } from '../not-applicable.ts'
import type { ChatExchange } from '../wire/chat-exchange.ts'
import { show } from '../wire/findings.ts'
import { atMost, within } from '../wire/wait.ts'
import type { Wire } from '../wire/wire.ts'

export const busyProofs = {
  'busy.ten-chats': async (judge) => {
    await judge.usual()
    const wire = await judge.wire()
    const chats = await beginTen(judge, wire)
    const reasons = await Promise.all(chats.map((chat) => readToEnd(judge, chat)))
    const cancelled = reasons.indexOf('cancelled')
    assert.equal(cancelled, -1, `Chat ${cancelled + 1} of ten was cancelled, and nobody asked for it.`)
    const empty = chats.findIndex(({ count }) => count === 0)
    assert.equal(empty, -1, `Chat ${empty + 1} of ten ended without any part.`)
  },

  'busy.own-answers': async (judge) => {
    const { isSteady } = await judge.usual()
    if (!isSteady) throw new NotApplicable('the same question is answered in several ways')
    const wire = await judge.wire()
    const alone: string[] = []
    for (const request of await toTenRequests(judge)) {
      if (alone.length === judge.prompts.others.length + 1) break
      const chat = wire.chat(request, defaultCredit, { flows: true })
      await readToEnd(judge, chat)
      alone.push(chat.text)
    }
    const chats = await beginTen(judge, wire)
    await Promise.all(chats.map((chat) => readToEnd(judge, chat)))
    for (const [index, { text }] of chats.entries()) assertOwn(text, index, alone)
  },

  'busy.health': async (judge) => {
    await judge.usual()
    const wire = await judge.wire()
    const chats = await beginTen(judge, wire)
    const ended = Promise.all(chats.map((chat) => readToEnd(judge, chat)))
    ended.catch(() => {})
    do await askIsRunning(judge, wire)
    while (chats.some(({ answered }) => !answered) && wire.isOpen && (await isSoon(ended)))
    await ended
  },

  'busy.many-parts': async (judge) => {
    const wire = await judge.wire()
    const before = judge.findings.of('wire.sequence').length
    const chat = wire.chat(await toLongRequest(judge, mostParts), defaultCredit, { flows: true })
    await readForAWhile(judge, chat, mostMs)
    assert.deepEqual(judge.findings.of('wire.sequence').slice(before), [], 'Parts are missing, or out of order.')
    assert.ok(chat.count > 0, 'The chat ended without any part.')
  },

  'busy.slow-reader': async (judge) => {
    const { isSteady } = await judge.usual()
    const wire = await judge.wire()
    const request = await toLongRequest(judge, slowParts)
    const read = wire.chat(request, slowParts)
    await readForAWhile(judge, read, slowMs)
    const before = judge.findings.of('wire.sequence').length
    wire.pause()
    const slowly = wire.chat(request, slowParts)
    const asked = Array.from({ length: slowRequests }, () => wire.ask('get_info').answer)
    await delay(pauseMs)
    wire.resume()
    await within(judge.timeouts.callMs, Promise.all(asked), `answer to each of ${slowRequests} requests`)
    await readForAWhile(judge, slowly, slowMs)
    assert.deepEqual(judge.findings.of('wire.sequence').slice(before), [], 'Parts are missing, or out of order.')
    if (isSteady) assertSameStart(slowly.text, read.text)
  },
} satisfies Record<string, Proof>

const mostParts = 10_000
const mostMs = 10_000
const slowParts = 2000
/** Their answers are more than a pipe holds. */
const slowRequests = 1000
const slowMs = 2000
const pauseMs = 300

async function toTenRequests(judge: Judge): Promise<ChatRequest[]> {
  const prompts = [judge.prompts.question, ...judge.prompts.others]
  const requests: ChatRequest[] = []
  for (let index = 0; index < 10; index++) {
    requests.push(await toRequest(judge, prompts[index % prompts.length] ?? '', { maxTokens: 16 }))
  }
  return requests
}

/** With so little credit that they overlap. */
async function beginTen(judge: Judge, wire: Wire): Promise<ChatExchange[]> {
  const requests = await toTenRequests(judge)
  return requests.map((request) => wire.chat(request, 2, { flows: true }))
}

/** False when it is over. */
async function isSoon(ended: Promise<unknown>): Promise<boolean> {
  const over = ended.then(
    () => true,
    () => true,
  )
  return !(await Promise.race([over, delay(5, false)]))
}

/** To its end, or so many parts, or so long; then it is cancelled. */
async function readForAWhile(judge: Judge, chat: ChatExchange, longestMs: number): Promise<void> {
  await atMost(Math.min(longestMs, judge.chatMs), chat.until(mostParts))
  if (!chat.answered) chat.cancel()
  reasonOf(await within(judge.timeouts.cancelMs, chat.answer, 'response to a cancelled chat'))
}

function assertOwn(text: string, index: number, alone: readonly string[]): void {
  const own = sharedLength(text, alone[index % alone.length] ?? '')
  const most = Math.max(...alone.map((answer) => sharedLength(text, answer)))
  assert.equal(own, most, `Chat ${index + 1} of ten was given the answer of another one: ${show(text)}`)
}

function assertSameStart(left: string, right: string): void {
  const length = Math.min(left.length, right.length)
  assert.equal(left.slice(0, length), right.slice(0, length), 'The slow reader was given another text.')
}

function sharedLength(left: string, right: string): number {
  let length = 0
  while (length < left.length && left[length] === right[length]) length += 1
  return length
}
