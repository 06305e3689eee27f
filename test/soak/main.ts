/**
 * npm run soak [-- --minutes N --requests N --seed N]
 *
 * Asks the service many questions at once while its engines, and now and then it itself, are killed at random. No answer
 * may be lost, doubled or wrongly called complete; at the end no process, socket or descriptor is left, and the memory of
 * the service has not grown. Writes nothing into the repository. Exit code 0 when all of that holds.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { untilGone } from '../support/home.ts'
import { ask, check, createQuestion, type Question, Wrong } from './question.ts'
import { createRandom } from './random.ts'
import { openWorld, processesOf, type World } from './world.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    requests: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const limits = { requests: Number(values.requests), minutes: Number(values.minutes) }
const seed = Number(values.seed)

/** Questions that are asked at a time. */
const workers = 4
/** In this part of the questions the service is killed too; in the rest its memory is watched. */
const killsServiceUntil = 0.6
/** A service that has just started is not yet as large as it will be. */
const warmUpShare = 0.2
const mostGrowthMb = 64
/** One in so many is for the embedded engine. */
const embeddedEvery = 25
const embeddedQuestion = 'Name five colours and say what each of them is like.'

interface Tally {
  asked: Question[]
  wrong: string[]
  kills: Record<string, number>
  memory: { warm?: Footprint; end?: Footprint }
}

interface Footprint {
  pid: number
  pssMb: number
  descriptors: number
}

const startedAt = Date.now()
const random = createRandom(seed)
const tally: Tally = { asked: [], wrong: [], kills: {}, memory: {} }
say(`seed ${seed}, ${limits.requests} requests, at most ${limits.minutes} min`)
{
  await using world = await openWorld()
  const reference = await askReference(world)
  await soak(world, reference)
  await settle(world)
  await leave(world)
}
summarise()
process.exit(tally.wrong.length === 0 ? 0 : 1)

async function soak(world: World, reference: string | undefined): Promise<void> {
  const deadline = startedAt + limits.minutes * 60_000
  let over = false
  let begun = 0
  const isTime = () => begun < limits.requests && Date.now() < deadline && tally.wrong.length === 0

  const work = async () => {
    while (isTime()) {
      begun += 1
      const isEmbedded = reference !== undefined && begun % embeddedEvery === 0
      const question = isEmbedded ? toEmbedded(world, begun, reference) : toEcho(world, begun)
      tally.asked.push(question)
      await guard(() => ask(world, question))
    }
  }
  const disturb = async () => {
    while (!over) {
      await pause(300 + random.below(1700))
      const share = Math.max(begun / limits.requests, (Date.now() - startedAt) / (deadline - startedAt))
      await guard(() => disturbOnce(world, share))
    }
  }
  const disturbing = disturb()
  await Promise.all(Array.from({ length: workers }, work))
  over = true
  await disturbing
}

async function disturbOnce(world: World, share: number): Promise<void> {
  if (share < killsServiceUntil && random.below(12) === 0) {
    await world.service()
    await world.killService()
    count('service')
    return
  }
  const killed = world.killEngine(random)
  if (killed) count(killed)
  if (share > killsServiceUntil + warmUpShare) tally.memory.warm ??= await measure(world)
}

/** Everybody is well again: what is not complete is gone on with, and then looked at as a whole. */
async function settle(world: World): Promise<void> {
  await world.service()
  await world.forgive()
  const open = tally.asked.filter(({ state }) => state !== 'complete' && state !== 'length')
  say(`${open.length} of ${tally.asked.length} answers are to be gone on with`)
  for (const question of open) await guard(() => ask(world, question, 3))
  await guard(() => inspect(world))
  tally.memory.end = await measure(world)
}

async function inspect({ client }: World): Promise<void> {
  const running = await client.listRuns()
  if (running.length > 0) throw new Wrong(`${running.length} answers are still being written`)
  const stored = await listAll(client)
  if (stored.length !== tally.asked.length) {
    throw new Wrong(`${tally.asked.length} questions were asked, and ${stored.length} conversations are stored`)
  }
  for (const question of tally.asked) {
    const { tag, conversation = '', state } = question
    if (state !== 'complete' && state !== 'length')
      throw new Wrong(`${tag}: ended ${state} although all engines were well`)
    const { messages } = await client.getConversation(conversation, { branches: true })
    const [asked, answer, ...more] = messages
    if (!asked || !answer || more.length > 0) throw new Wrong(`${tag}: ${messages.length} messages are stored`)
    if (answer.state !== state) throw new Wrong(`${tag}: was told to be ${state}, and is stored to be ${answer.state}`)
    if (answer.text !== question.streamed) throw new Wrong(`${tag}: what was shown is not what is stored`)
    check(question, answer.text, 'stored')
  }
}

async function listAll(client: World['client']): Promise<{ id: string }[]> {
  const all: { id: string }[] = []
  for (;;) {
    const before = all.at(-1)?.id
    const page = await client.listConversations({ limit: 200, ...(before !== undefined && { before }) })
    if (page.length === 0) return all
    all.push(...page)
  }
}

/** Ends the service as a user does; what is left then should not be. */
async function leave(world: World): Promise<void> {
  const { home } = world
  const { socket } = JSON.parse((await home.lmapp(['paths', '--json'])).stdout)
  const pid = await world.service()
  await home.lmapp(['service', 'stop'])
  await untilGone(pid)
  const left = processesOf(home)
  if (left.length > 0) tally.wrong.push(`processes are left: ${left.map(nameOf).join(', ')}`)
  if (existsSync(socket)) tally.wrong.push(`the socket is left: ${socket}`)
  const records = `${home.dir}/state/processes`
  const recorded = existsSync(records) ? readdirSync(records) : []
  if (recorded.length > 0) tally.wrong.push(`records of processes are left: ${recorded.join(', ')}`)
  const { warm, end } = tally.memory
  if (!warm || !end || warm.pid !== end.pid) return
  if (end.pssMb > warm.pssMb + mostGrowthMb) tally.wrong.push('the memory of the service has grown')
  if (end.descriptors > warm.descriptors + 10) tally.wrong.push('the descriptors of the service have become more')
}

async function measure(world: World): Promise<Footprint> {
  const pid = await world.service()
  const [, kilobytes = '0'] = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
  const descriptors = readdirSync(`/proc/${pid}/fd`).length
  return { pid, pssMb: Math.round(Number(kilobytes) / 1024), descriptors }
}

function toEcho({ echoes }: World, number: number): Question {
  return createQuestion(number, random.oneOf(echoes), 20 + random.below(150))
}

function toEmbedded({ embedded = '' }: World, number: number, reference: string): Question {
  const question = createQuestion(number, embedded, 0)
  return { ...question, text: embeddedQuestion, expected: { beginning: reference } }
}

/** What the embedded engine says undisturbed; undefined where it has no model here. */
async function askReference(world: World): Promise<string | undefined> {
  if (world.embedded === undefined) return undefined
  const question = toEmbedded(world, 0, '')
  await ask(world, question)
  tally.asked.push(question)
  return question.streamed
}

async function guard(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    tally.wrong.push(error instanceof Wrong ? error.message : String((error as Error).stack ?? error).slice(0, 2000))
  }
}

function count(name: string): void {
  tally.kills[name] = (tally.kills[name] ?? 0) + 1
}

function summarise(): void {
  const { asked, kills, memory, wrong } = tally
  const sum = (of: (question: Question) => number) => asked.reduce((total, question) => total + of(question), 0)
  const killed = Object.entries(kills).map(([name, times]) => `${name} ${times}`)
  say(
    `${asked.length} questions in ${Math.round((Date.now() - startedAt) / 1000)} s, ${sum(({ runs }) => runs)} runs, ${sum(({ handovers }) => handovers)} handovers`,
  )
  say(`killed: ${killed.join(', ') || 'nobody'}`)
  const { warm, end } = memory
  if (warm && end) {
    const same = warm.pid === end.pid ? '' : ' (of another one)'
    say(
      `the service: ${warm.pssMb} MB and ${warm.descriptors} descriptors warm${same}, ${end.pssMb} MB and ${end.descriptors} at the end`,
    )
  }
  for (const what of wrong) say(`WRONG: ${what}`)
  say(
    wrong.length === 0
      ? 'soak: all well'
      : `soak: ${wrong.length} things are wrong; again: npm run soak -- --seed ${seed}`,
  )
}

function nameOf(pid: number): string {
  return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').slice(0, 200)}`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
