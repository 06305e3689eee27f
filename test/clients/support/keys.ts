import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { createClient, createFetchTransport } from 'lmapp-client'
import { createHome, withMock } from '../../support/home.ts'
import { assertOwn, createCheck, told } from './check.ts'
import type { Client } from './client.ts'
import type { Room } from './describe-clients.ts'
import { ask } from './features.ts'
import { reply, serve, slowReply, type World } from './world.ts'

/** A service where nobody comes in without a key. */
interface KeyedWorld extends World {
  /** Its secret. */
  createKey(name: string): Promise<string>
  revokeKey(name: string): Promise<void>
}

const refused = { status: 401, says: /key/i }

/** The SDKs, side by side: one of the cases takes seconds. */
export function describeKeys(rooms: readonly Room[]): void {
  describe('where a key is required', { concurrency: rooms.length }, () => {
    let world: KeyedWorld
    before(async () => {
      world = await openKeyedWorld()
    })
    after(() => world[Symbol.asyncDispose]())
    for (const room of rooms) describeKeysOf(room, () => world)
  })
}

function describeKeysOf({ subject, recorder, index }: Room, world: () => KeyedWorld): void {
  describe(`${subject.name} (${subject.registry})`, () => {
    const check = createCheck('keys', subject, recorder)
    const withKey = async (key: string | undefined, use: (client: Client) => Promise<void>) => {
      await using client = await subject.open(world().address, key)
      await use(client)
    }
    check('one that is not known is refused', () =>
      withKey(undefined, async (client) => {
        assertOwn(await told(client, client.chat(ask('box/count'))), refused)
        assertOwn(await told(client, client.stream(ask('box/count'), {})), refused)
      }),
    )
    check('one that is known comes in, until it is revoked', async () => {
      const name = `short-${index}`
      await withKey(await world().createKey(name), async (client) => {
        assert.equal((await client.chat(ask('box/count'))).text, reply)
        await world().revokeKey(name)
        assertOwn(await told(client, client.chat(ask('box/count'))), refused)
      })
    })
    check('revoked in mid-answer, the answer ends well, and the next is refused', async () => {
      const name = `mid-${index}`
      await withKey(await world().createKey(name), async (client) => {
        let revoking: Promise<void> | undefined
        let isRevoked = false
        let later = ''
        const revoke = async () => {
          await world().revokeKey(name)
          isRevoked = true
        }
        const onText = (text: string) => {
          if (isRevoked) later += text
          if (text) revoking ??= revoke()
        }
        const said = await client.stream(ask('box/slow'), { onText })
        await revoking
        assert.notEqual(later, '')
        assert.equal(said.text.trimEnd(), slowReply)
        if (subject.stops) assert.equal(said.stop, subject.stops.end)
        assertOwn(await told(client, client.stream(ask('box/slow'), {})), refused)
      })
    })
  })
}

async function openKeyedWorld(): Promise<KeyedWorld> {
  const models = { count: { reply }, slow: { reply: slowReply, paceMs: 100, parallel: 16 } }
  const home = await createHome(withMock(models, { serve: { requireKey: true } }))
  const world = await serve(home)
  const key = (await home.lmapp(['keys', 'create', 'owner', '--scope', 'admin'])).stdout.trim()
  const owner = createClient({ transport: createFetchTransport({ baseUrl: world.address, key }) })
  return {
    ...world,
    createKey: async (name) => (await owner.createKey({ name })).secret,
    revokeKey: async (name) => void (await owner.revokeKey(name)),
  }
}
