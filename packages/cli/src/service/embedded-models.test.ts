import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createDiskModels, createModelLibrary } from '@lmapp/core/models'
import {
  modelBytes,
  ollamaLayer,
  putFile,
  putHubFile,
  putOllamaModel,
} from '../../../core/src/models/testing/disk-trees.ts'
import { text } from '../../../core/src/models/testing/gguf-bytes.ts'
import { createEmbeddedModels } from './embedded-models.ts'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lmapp-embedded-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const at = (...segments: string[]) => join(home, ...segments)
const named = (name: string, more = {}) => modelBytes({ 'general.name': text(name), ...more })
const context = () => ({
  timeouts: { connectMs: 1, stallMs: 1, loadMs: 1 },
  dataDir: at('data'),
  logFile: at('log'),
  modelsDir: at('own'),
})
const definition = (models: Record<string, string> = {}) => ({
  id: 'embedded',
  config: { type: 'embedded', enabled: true, models },
  environment: {},
})
const putOllama = (name: string) =>
  putOllamaModel(at('.ollama/models'), `registry.ollama.ai/library/${name}`, [ollamaLayer('model', named(name))])
const paths = async () => JSON.parse(await readFile(at('data/models.json'), 'utf8')).models

function open(folders: string[] = []) {
  const library = createModelLibrary({ modelsDir: at('own'), cacheDir: at('cache'), environment: {} })
  const disk = createDiskModels({
    homeDir: home,
    platform: 'darwin',
    cacheDir: at('cache'),
    environment: {},
    settings: async () => ({ scan: true, folders }),
    leaveOut: [at('own')],
  })
  return createEmbeddedModels({ library, disk })
}

describe('the models that the embedded engine runs', () => {
  it('are those of the configuration, lmapp’s own, and those that other programs have here', async () => {
    await putFile(at('own/mine.gguf'), named('mine'))
    await putFile(at('own/mmproj.gguf'), named('x', { 'general.architecture': text('clip') }))
    const blob = await putOllama('llama3.2/3b')
    const configured = await putFile(at('named.gguf'), named('named'))
    const known = await open().list(definition({ best: configured, absent: '/nowhere.gguf' }), context())
    assert.deepEqual(
      known.map(({ id, origin }) => [id, origin]),
      [
        ['best', undefined],
        ['absent', undefined],
        ['mine', 'lmapp'],
        ['llama3.2:3b', 'ollama'],
      ],
    )
    const [best, , mine, found] = known
    assert.equal(best?.quantization, 'Q4_K_M')
    assert.equal(mine?.family, 'llama')
    assert.equal(found?.path, blob)
    assert.equal(found?.capabilities?.chat, 'yes')
    assert.equal(found?.keeper?.remove, 'Remove it there: ollama rm llama3.2:3b')
  })

  it('have one name each, which goes to the configuration first, then to lmapp’s own', async () => {
    await putFile(at('own/same.gguf'), named('1'))
    await putOllama('same/latest')
    await putOllama('best/latest')
    const known = await open().list(definition({ best: '/a.gguf' }), context())
    assert.deepEqual(known.map(({ id }) => id).sort(), ['best', 'best@ollama', 'same', 'same@ollama'])
    assert.deepEqual(Object.keys(await paths()).sort(), ['best@ollama', 'same@ollama'])
    const keeper = known.find(({ id }) => id === 'same@ollama')?.keeper
    assert.equal(keeper?.remove, 'Remove it there: ollama rm same')
  })

  it('say by which command of which program they are removed', async () => {
    await putFile(at('.lmstudio/models/a/One-GGUF/One-Q4_0.gguf'), named('1'))
    await putHubFile(at('.cache/huggingface/hub'), { repository: 'o/Two', name: 'Two-Q4_0.gguf', bytes: named('2') })
    await putFile(at('Library/Caches/llama.cpp/three.gguf'), named('3'))
    await putFile(at('models/four.gguf'), named('4'))
    await putFile(at('own/five.gguf'), named('5'))
    const known = await open([at('models')]).list(definition(), context())
    const removals = Object.fromEntries(known.map(({ id, keeper }) => [id, keeper?.remove]))
    assert.deepEqual(removals, {
      five: `Remove the file: ${at('own/five.gguf')}`,
      one: 'Remove it there: My Models, Delete',
      'o/Two:Q4_0': 'Remove it there: hf cache rm model/o/Two',
      three: `Remove the file: ${at('Library/Caches/llama.cpp/three.gguf')}`,
      four: `Remove the file: ${at('models/four.gguf')}`,
    })
  })
})

describe('the plugin', () => {
  it('is told where the foreign ones are, before it starts and whenever they are listed', async () => {
    const models = open()
    assert.equal(models.fileFor(context()), at('data/models.json'))
    await models.tell(definition(), context())
    assert.deepEqual(await paths(), {})
    const blob = await putOllama('new/1b')
    await models.list(definition(), context())
    assert.deepEqual(await paths(), { 'new:1b': blob })
    await rm(at('.ollama'), { recursive: true })
    await models.list(definition(), context())
    assert.deepEqual(await paths(), {})
  })

  it('finds the same file while nothing changed', async () => {
    await putOllama('a/1b')
    const models = open()
    await models.list(definition(), context())
    const before = await stat(at('data/models.json'))
    await models.list(definition(), context())
    assert.equal((await stat(at('data/models.json'))).ino, before.ino)
    assert.equal(before.mode & 0o777, 0o600)
  })

  it('is told nothing where the disk refuses, and the list is whole all the same', async () => {
    await putOllama('a/1b')
    await writeFile(at('data'), 'a file')
    assert.deepEqual(
      (await open().list(definition(), context())).map(({ id }) => id),
      ['a:1b'],
    )
    await chmod(at('data'), 0o600)
  })
})
