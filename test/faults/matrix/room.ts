import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type AskOptions, ask, connectTo, type Outcome } from '../../support/ask.ts'
import { bare, createHome, type Home } from '../../support/home.ts'
import { installPlugin } from './rigs.ts'

/** A user with one service and several engines, each with a breaker of its own. Disposing sees to it that nothing was doubled. */
export interface Room extends AsyncDisposable {
  home: Home
  /** Adds a backend, and an alias of the same name: its model, then `spare/spare`. */
  add(id: string, backend: object, model: string): Promise<void>
  ask(model: string, options?: AskOptions): Promise<Outcome>
}

export const spareAnswer = 'I stand in for another.'

export async function openRoom(timeouts: object): Promise<Room> {
  const home = await createHome()
  await installPlugin(home)
  const spare = { type: 'mock', models: { spare: { reply: spareAnswer, continue: false } } }
  const backends: Record<string, object> = { ...bare.backends, spare }
  const aliases: Record<string, string[]> = {}
  let asked = 0

  /** Never half written, since the service may read it at any time. */
  const configure = async () => {
    const file = join(home.dir, 'config.json')
    const config = { backends, aliases, timeouts, engines: { startOllama: false } }
    const whole = `${file}.${randomUUID()}`
    await writeFile(whole, JSON.stringify(config))
    await rename(whole, file)
  }

  return {
    home,
    async add(id, backend, model) {
      backends[id] = backend
      aliases[id] = [`${id}/${model}`, 'spare/spare']
      await configure()
    },
    ask(model, options) {
      asked += 1
      return ask(home, ['-m', model], options)
    },
    async [Symbol.asyncDispose]() {
      try {
        if (asked === 0) return
        const stored = await (await connectTo(home)).listConversations({ limit: 1000 })
        assert.equal(stored.length, asked, 'each question is stored once')
        assert.ok(stored.every(({ messageCount }) => messageCount === 2))
      } finally {
        await home[Symbol.asyncDispose]()
      }
    },
  }
}
