import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { Finish, ListModelsResult, Part } from 'lmapp-kit'
import { family, openPlace } from './support/connected.ts'
import { ask, model, script } from './support/open-backend.ts'
import { openPlugin } from './support/open-plugin.ts'

const isText = (part: Part) => part.type === 'text-delta'
const textOf = (parts: Part[]) => parts.map((part) => (part.type === 'text-delta' ? part.text : '')).join('')

describe('as a plugin in a process of its own', () => {
  it('it says who it is, lists, answers, and ends with its input', async () => {
    await using plugin = await openPlugin()
    const { info } = await plugin.hello({
      command: [...model, '--model', '{model}'],
      modelsCommand: [...model, '--list'],
    })
    assert.deepEqual([info.name, info.capabilities.chat, info.capabilities.parallel], ['node-cli', 'yes', 1])
    const { models } = (await plugin.connection.call('list_models').response) as ListModelsResult
    assert.equal(models[0]?.id, 'parrot')
    const { id, response } = plugin.connection.call('chat', {
      request: ask('Say hello.', { model: 'parrot' }),
      credit: 99,
    })
    assert.equal(((await response) as Finish).reason, 'stop')
    assert.equal(textOf(plugin.partsOf(id)), 'Hello there, friend.')
    assert.match(plugin.stderr(), /^\[parrot\] Token usage: 2 input, 3 output$/m)
    plugin.child.stdin?.end()
    assert.deepEqual(await once(plugin.child, 'exit'), [0, null])
  })

  it('it refuses a configuration that is wrong, by name', async () => {
    await using plugin = await openPlugin()
    await assert.rejects(plugin.hello({ comand: ['x'] }), {
      code: 'config-invalid',
      message: /"comand" of a node-cli backend/,
    })
  })

  it('it hands the key to the program that names it, and to no other', async () => {
    await using plugin = await openPlugin()
    const command = script('console.log(process.env.KEY, JSON.stringify(process.env).includes("s3cret"))')
    await plugin.hello(
      { models: { with: { command, env: { KEY: '{apiKey}' } }, without: { command } } },
      { apiKey: 's3cret' },
    )
    for (const [name, said] of [
      ['with', 's3cret true'],
      ['without', 'undefined false'],
    ] as const) {
      const { id, response } = plugin.connection.call('chat', { request: ask('Hi', { model: name }), credit: 9 })
      await response
      assert.equal(textOf(plugin.partsOf(id)), said)
    }
  })

  it('it waits for credit, and answers for its health meanwhile', async () => {
    await using plugin = await openPlugin()
    await plugin.hello({ models: { it: { command: script(`setInterval(() => process.stdout.write('tick '), 1)`) } } })
    const { id, response } = plugin.connection.call('chat', { request: ask('Hi'), credit: 3 })
    await plugin.until(id, isText)
    const health = (await plugin.connection.call('is_running').response) as { active: number }
    assert.equal(health.active, 1)
    plugin.connection.cancel(id)
    assert.equal(((await response) as Finish).reason, 'cancelled')
    assert.ok(plugin.partsOf(id).length <= 3)
  })

  for (const [title, end] of [
    ['when its input ends', (child: { stdin: { end(): void } | null }) => child.stdin?.end()],
    ['by SIGTERM', (child: { kill(signal: 'SIGTERM'): void }) => child.kill('SIGTERM')],
    ['by SIGKILL of its whole group', ({ pid = 0 }: { pid?: number | undefined }) => process.kill(-pid, 'SIGKILL')],
  ] as const) {
    it(`it leaves nothing behind ${title}`, async () => {
      await using place = await openPlace()
      await using plugin = await openPlugin()
      await plugin.hello({ models: { it: { command: script(family(place.path)) } } })
      const { id, response } = plugin.connection.call('chat', { request: ask('Hi'), credit: 9 })
      response.catch(() => {})
      await plugin.until(id, isText)
      await place.arrived(2)
      end(plugin.child as never)
      await place.gone()
    })
  }
})
