import { setTimeout as pause } from 'node:timers/promises'
import type { ApiMessage, CreateRun } from 'lmapp-client'
import { isLmappError, type NumberedRunEvent, type RunEnd } from 'lmapp-kit'
import { embeddedTokens, type World } from './world.ts'

/** One question, and what is known of the answer to it. */
export interface Question {
  /** Its first word, which no other has. */
  tag: string
  model: string
  text: string
  /** Whether the answer must be exactly this, or begin with it. */
  expected: { whole: string } | { beginning: string }
  conversation?: string
  message?: string
  /** What the events brought, from all runs together. */
  streamed: string
  handovers: number
  runs: number
  state: RunEnd['state'] | 'unknown'
}

/** What must never be. */
export class Wrong extends Error {}

export function createQuestion(number: number, model: string, words: number): Question {
  const tag = `q${number}`
  const text = [tag, ...Array.from({ length: words }, (_, index) => `${number}.${index + 1}`)].join(' ')
  return { tag, model, text, expected: { whole: text }, streamed: '', handovers: 0, runs: 0, state: 'unknown' }
}

/** Of an answer that is not said to be complete it is enough that nothing in it is wrong. */
const ended: readonly RunEnd['state'][] = ['complete', 'length']

/** Asks, follows the answer to its end, and goes on with it as often as that helps. */
export async function ask(world: World, question: Question, mostRuns = 4): Promise<void> {
  for (let tries = 0; tries < mostRuns && !ended.includes(question.state as RunEnd['state']); tries += 1) {
    if (tries > 0) await pause(300)
    await runOnce(world, question)
  }
}

async function runOnce(world: World, question: Question): Promise<void> {
  try {
    question.runs += 1
    const { events } = await world.client.createRun(toRequest(question))
    await follow(events, question)
  } catch (error) {
    if (!isLmappError(error)) throw error
    // Where nobody listens, nothing was asked; else the store knows.
    await withService(world, () => recollect(world, question))
  }
}

/** Asks a service that may be killed again meanwhile. */
async function withService(world: World, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await world.service()
      return await work()
    } catch (error) {
      if (!isLmappError(error, 'service-unavailable')) throw error
    }
  }
}

function toRequest({ model, text, message, conversation, expected }: Question): CreateRun {
  const options = 'whole' in expected ? {} : { options: { temperature: 0, seed: 1, maxTokens: embeddedTokens } }
  const base = { model, ...options, allowFetch: false }
  if (message === undefined || conversation === undefined) return { ...base, content: [{ type: 'text', text }] }
  return { ...base, kind: 'continue', message, conversation }
}

async function follow(events: AsyncIterable<NumberedRunEvent>, question: Question): Promise<void> {
  for await (const { event } of events) {
    if (event.type === 'start') {
      question.message = event.message
      if (event.conversation !== undefined) question.conversation = event.conversation
    }
    if (event.type === 'handover') question.handovers += 1
    if (event.type === 'text-delta') question.streamed += event.text
    if (event.type !== 'end') continue
    question.state = event.state
    check(question, question.streamed, 'streamed')
  }
}

/** What the store has of it, after the line to the service broke. */
async function recollect(world: World, question: Question): Promise<void> {
  const conversation = question.conversation ?? (await findByTag(world, question.tag))
  if (conversation === undefined) return
  const answer = await untilEnded(world, conversation)
  if (!answer) throw new Wrong(`${question.tag}: its answer is lost`)
  if (!answer.text.startsWith(question.streamed) && !question.streamed.startsWith(answer.text)) {
    throw new Wrong(
      `${question.tag}: shown was ${JSON.stringify(question.streamed)}, stored is ${JSON.stringify(answer.text)}`,
    )
  }
  question.conversation = conversation
  question.message = answer.id
  question.state = answer.state as RunEnd['state']
  question.streamed = answer.text
  check(question, answer.text, 'stored')
}

async function findByTag({ client }: World, tag: string): Promise<string | undefined> {
  const latest = await client.listConversations({ limit: 100 })
  return latest.find(({ title }) => title.startsWith(`${tag} `))?.id
}

async function untilEnded({ client }: World, conversation: string): Promise<ApiMessage | undefined> {
  for (;;) {
    const { messages } = await client.getConversation(conversation)
    const answer = messages.findLast(({ role }) => role === 'assistant')
    if (answer?.state !== 'running') return answer
    await pause(50)
  }
}

/** A complete answer is exactly what was due; any other one begins so. */
export function check({ tag, state, expected }: Question, text: string, where: string): void {
  const due = 'whole' in expected ? expected.whole : expected.beginning
  const isRight =
    state === 'complete' && 'whole' in expected ? text === due : isBeginning(text, due, 'whole' in expected)
  if (!isRight) {
    throw new Wrong(`${tag}: ${state}, ${where} ${JSON.stringify(text)} instead of ${JSON.stringify(due)}`)
  }
}

function isBeginning(text: string, due: string, isWhole: boolean): boolean {
  return due.startsWith(text) || (!isWhole && text.startsWith(due))
}
