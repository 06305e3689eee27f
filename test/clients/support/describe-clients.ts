/** One suite for all clients: what each must do with an engine that answers by script, and with one that fails by script. */
import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { createCheck } from './check.ts'
import type { Client, Subject } from './client.ts'
import { describeErrors, describeFaults } from './failures.ts'
import { describeFeatures } from './features.ts'
import { describeKeys } from './keys.ts'
import { createRecorder, type Recorder } from './results.ts'
import { openWorld, type World } from './world.ts'

/** A client while its suite runs. */
export interface Room {
  subject: Subject
  recorder: Recorder
  /** Its number among those that share the service. */
  index: number
  client(): Client
  world(): World
}

/** They share a service, and are asked one after the other. */
export function describeClients(subjects: readonly Subject[]): void {
  describe('with a scripted engine', () => {
    let world: World
    const clients: Client[] = []
    const rooms = subjects.map((subject, index): Room => {
      const client = () => {
        const opened = clients[index]
        assert.ok(opened)
        return opened
      }
      return { subject, index, recorder: createRecorder(subject), client, world: () => world }
    })
    before(async () => {
      world = await openWorld()
      for (const subject of subjects) clients.push(await subject.open(world.address))
    })
    after(async () => {
      for (const client of clients) await client[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
      for (const { recorder } of rooms) recorder.write()
    })
    for (const room of rooms) {
      describe(`${room.subject.name} (${room.subject.registry})`, () => {
        describeFeatures(room)
        if (!room.subject.skips?.includes('errors')) describeErrors(room)
        describeFaults(room)
      })
    }
    const sdks = rooms.filter(({ subject }) => subject.kind === 'sdk')
    if (sdks.length > 0) describeKeys(sdks)
    describeDeath(rooms)
  })
}

/** The service is killed as soon as all of them read. */
function describeDeath(rooms: readonly Room[]): void {
  describe('the service is killed in mid-answer', { concurrency: rooms.length }, () => {
    let waiting = rooms.length
    for (const { subject, recorder, client, world } of rooms) {
      const check = createCheck('faults in mid-answer', subject, recorder)
      check(`${subject.name}: it fails`, async () => {
        const started = Promise.withResolvers<void>()
        const asked = { model: 'box/endless', prompt: 'Go on.' }
        const ended = client().stream(asked, { onText: (text) => text && started.resolve() })
        try {
          await Promise.race([started.promise, ended])
        } finally {
          waiting -= 1
          if (waiting === 0) world().kill()
        }
        // Nobody is left who could say anything in its words, so any error is right.
        await assert.rejects(ended)
      })
    }
  })
}
