import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parseConfig } from '@lmapp/core/config'
import { isLmappError, LmappError } from 'lmapp-kit'
import { nameModel, unnameModel } from './name-model.ts'
import { createUnknownKeyNotes } from './note-unknown-keys.ts'
import { createServeSettings } from './serve-settings.ts'

const configOf = (serve: object) => parseConfig(JSON.stringify({ serve }), 'config.json').config

describe('what configuration says of those who come by TCP', () => {
  it('is the least until the file was read, then what it says, looked at again after a moment', async () => {
    let now = 0
    let serve: object = { history: true }
    const settings = createServeSettings(
      async () => configOf(serve),
      () => now,
    )
    assert.equal(settings.current.requireKey, true)
    await settings.refresh()
    assert.deepEqual([settings.current.requireKey, settings.current.history], [false, true])
    serve = { requireKey: true }
    assert.equal(settings.refresh(), undefined)
    now = 100
    await settings.refresh()
    assert.deepEqual([settings.current.requireKey, settings.current.history], [true, false])
  })

  it('goes on as it was while the file has a mistake', async () => {
    let now = 0
    let broken = false
    const settings = createServeSettings(
      async () => {
        if (broken) throw new LmappError('config-invalid', 'A comma is missing.')
        return configOf({ requireKey: true, origins: ['http://a'] })
      },
      () => now,
    )
    await settings.refresh()
    broken = true
    now = 1000
    await settings.refresh()
    assert.deepEqual(settings.current.origins, ['http://a'])
  })
})

describe('keys that are none', () => {
  it('are noted once for each program, whose name cannot write lines of its own', () => {
    const lines: string[] = []
    const note = createUnknownKeyNotes((line) => lines.push(line))
    note({ userAgent: 'editor/1' })
    note({ userAgent: 'editor/1' })
    note({ userAgent: 'evil\n2026-01-01 started' })
    assert.equal(lines.length, 2)
    assert.match(lines[0] ?? '', /editor\/1.*serve\.requireKey/)
    assert.ok(!lines.join('').includes('\n'))
    for (let index = 0; index < 1000; index++) note({ userAgent: String(index) })
    assert.ok(lines.length <= 100)
  })
})

describe('another name for a model', () => {
  const known: Record<string, string[]> = { tiny: ['box/tiny'], 'box/tiny': ['box/tiny'], prefix: ['box/prefixed'] }
  const models = {
    async resolve(ref: string) {
      const refs = known[ref]
      if (!refs) throw new LmappError('model-not-found', `No model is called "${ref}".`)
      return { refs }
    },
  }

  async function open(text?: string) {
    const folder = await mkdtemp(join(tmpdir(), 'lmapp-names-'))
    const file = join(folder, 'config.json')
    if (text !== undefined) await writeFile(file, text)
    const name = (ref: string, alias: string) => nameModel(ref, alias, { models, environment: {}, file })
    return {
      file,
      name,
      aliases: async () => parseConfig(await readFile(file, 'utf8'), file).config.aliases,
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    }
  }

  it('is an alias in the configuration, whose comments stay, and goes again', async () => {
    await using room = await open('{\n  // mine\n  "model": "tiny"\n}\n')
    await room.name('tiny', 'mine/gpt-4:latest')
    assert.deepEqual({ ...(await room.aliases()) }, { 'mine/gpt-4': ['box/tiny'] })
    assert.match(await readFile(room.file, 'utf8'), /\/\/ mine/)
    await unnameModel('mine/gpt-4', room.file)
    assert.deepEqual({ ...(await room.aliases()) }, {})
  })

  it('is kept with others that are given at the same time', async () => {
    await using room = await open('{}')
    const names = Array.from({ length: 10 }, (_, at) => `name-${at}`)
    await Promise.all(names.map((name) => room.name('tiny', name)))
    assert.deepEqual(Object.keys(await room.aliases()).sort(), names)
    const again = await Promise.allSettled([room.name('tiny', 'once'), room.name('tiny', 'once')])
    assert.deepEqual(again.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    await Promise.all([unnameModel('name-3', room.file), unnameModel('name-7', room.file)])
    assert.equal(Object.keys(await room.aliases()).length, 9)
  })

  it('makes the configuration where there is none, and takes nothing away from none', async () => {
    await using room = await open()
    await unnameModel('none', room.file)
    await room.name('tiny', 'qwen2.5')
    assert.deepEqual({ ...(await room.aliases()) }, { 'qwen2.5': ['box/tiny'] })
  })

  it('is refused where it is taken, or can be none, or names nothing', async () => {
    await using room = await open('{ "aliases": { "best": "box/tiny" } }')
    for (const alias of ['best', 'tiny', 'box/tiny', '', '../x', 'a b', 'x'.repeat(200), 'a\nb']) {
      await assert.rejects(room.name('tiny', alias), (error) => isLmappError(error, 'bad-input'), alias)
    }
    await assert.rejects(room.name('nothing', 'new'), (error) => isLmappError(error, 'model-not-found'))
    await room.name('tiny', 'prefix')
  })
})
