/**
 * Every engine, and every way in which it fails, asked by the real command. One table says what becomes of the request and
 * of the next one; see `matrix/expectations.ts`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { AskOptions, Outcome } from '../support/ask.ts'
import { until } from '../support/home.ts'
import { type EngineName, engineNames, expect, type Fault, faults, stopCodes } from './matrix/expectations.ts'
import { openRig, type Rig } from './matrix/rigs.ts'
import { openRoom, type Room, spareAnswer } from './matrix/room.ts'

/** Milliseconds. Long enough for the start of a process on a machine that is busy elsewhere; a silence is waited for in full. */
const impatient = { connectMs: 10_000, stallMs: 5000, loadMs: 15_000 }
/** Where something is done by hand while an engine is silent. */
const patient = { connectMs: 5000, stallMs: 60_000, loadMs: 60_000 }

const doneByHand: ReadonlySet<Fault> = new Set(['kill-engine', 'stop-starting'])

const threeTokens = /(?:"text-delta"[\s\S]*){3}/

interface Cell {
  engine: EngineName
  fault: Fault
  id: string
  room: Room
  rig: Rig
}

describe('the matrix of engines and faults', { concurrency: 6 }, () => {
  let shared: Room
  let byHand: Room
  before(async () => {
    shared = await openRoom(impatient)
    byHand = await openRoom(patient)
    // Otherwise the first ones would all wait for the service, some for longer than a breaker stays open.
    for (const { home } of [shared, byHand]) await home.lmapp(['history', 'list'])
  })
  after(async () => {
    await shared[Symbol.asyncDispose]()
    await byHand[Symbol.asyncDispose]()
  })

  const inRoom = async (fault: Fault, use: (room: Room) => Promise<void>): Promise<void> => {
    if (fault !== 'kill-service') return use(doneByHand.has(fault) ? byHand : shared)
    await using own = await openRoom(patient)
    await use(own)
  }

  for (const fault of Object.keys(faults) as Fault[]) {
    for (const engine of engineNames) {
      const { fault: name, code, state, text, next, because } = expect(engine, fault)
      const title = `${engine}, ${name}: exit ${code}, ${state}, ${text} is kept, then the ${next} one answers`
      it(because ? `${title} (${because})` : title, () =>
        inRoom(fault, async (room) => {
          await using rig = await openRig(engine, fault)
          const cell: Cell = { engine, fault, room, rig, id: `${engine}-${fault}` }
          await room.add(cell.id, rig.backend, fault)
          await meetFault(cell)
          await askNext(cell)
        }),
      )
    }
  }
})

async function meetFault(cell: Cell): Promise<void> {
  const { engine, fault, rig, id } = cell
  const expected = expect(engine, fault)
  const outcome = await provoke(cell)
  const text = { nothing: '', begun: rig.begun, whole: rig.whole }[expected.text]
  assert.equal(outcome.code, expected.code, outcome.stderr)
  assertEnded(outcome, { state: expected.state, text, model: `${id}/${fault}` })
  assert.equal(outcome.end.error?.code, expected.error, outcome.end.error?.message)
  if (expected.error) assert.ok(outcome.end.error?.hint, 'there is a hint')
  assert.deepEqual(
    outcome.events.filter(({ type }) => type === 'handover'),
    [],
  )
  if (expected.asked !== undefined) assert.equal(rig.asked(), expected.asked, 'so often it was asked')
}

async function askNext({ engine, fault, room, rig, id }: Cell): Promise<void> {
  const { next } = expect(engine, fault)
  await rig.heal()
  const askedBefore = rig.asked()
  const outcome = await room.ask(id)
  assert.equal(outcome.code, 0, outcome.stderr)
  const same = { state: 'complete', text: rig.whole, model: `${id}/${fault}` }
  if (next === 'same') return assertEnded(outcome, same)
  assertEnded(outcome, { state: 'complete', text: spareAnswer, model: 'spare/spare' })
  assert.equal(rig.asked(), askedBefore, 'one whose breaker is open is not asked')
  const only = await room.ask(same.model)
  assert.equal(only.code, 0, `the last remaining candidate is asked all the same: ${only.stderr}`)
  assertEnded(only, same)
}

interface Ended {
  state: string
  text: string
  model: string
}

/** One end, one question, one answer; what is printed is what is kept. */
function assertEnded({ events, end, printed, kept }: Outcome, { state, text, model }: Ended): void {
  assert.equal(events.filter(({ type }) => type === 'end').length, 1)
  assert.deepEqual([end.type, end.state], ['end', state])
  assert.equal(printed, text)
  assert.deepEqual(
    kept.map((message) => [message.role, message.text, message.state]),
    [
      ['user', 'Count.', 'complete'],
      ['assistant', text, state],
    ],
  )
  assert.equal(kept.at(-1)?.model, model)
}

/** Asks the one engine by its name, and does meanwhile what has to be done by hand. */
function provoke(cell: Cell): Promise<Outcome> {
  const { fault, room, id } = cell
  const ask = (watch?: AskOptions['watch']) => room.ask(`${id}/${fault}`, watch && { watch })
  switch (fault) {
    case 'kill-engine':
      return ask({ text: threeTokens, onText: () => kill(cell.rig.pid()) })
    case 'kill-service':
      return ask({ text: threeTokens, onText: () => killService(cell) })
    case 'stop-starting':
      return ask({ text: /"start"|"loading"|"prompt"/, onText: () => stopWhileStarting(cell) })
    default:
      return ask()
  }
}

async function killService({ room, rig }: Cell): Promise<void> {
  const pid = await room.home.servicePid()
  await rig.heal()
  kill(pid)
}

async function stopWhileStarting({ engine, room, rig, id }: Cell): Promise<void> {
  await until(() => rig.pid())
  const stopped = await room.home.lmapp(['backends', 'stop', id])
  assert.equal(stopped.code, stopCodes[engine], stopped.stderr)
  await rig.heal()
}

function kill(pid: number | undefined): void {
  assert.ok(pid)
  process.kill(pid, 'SIGKILL')
}
