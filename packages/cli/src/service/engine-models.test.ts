import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createDiskModels, createModelLibrary } from '@lmapp/core/models'
import { isLmappError } from 'lmapp-kit'
import { modelBytes, putFile } from '../../../core/src/models/testing/disk-trees.ts'
import { llamafileBytes } from '../../../core/src/models/testing/llamafile-bytes.ts'
import { createEmbeddedModels } from './embedded-models.ts'
import { createEngineModels } from './engine-models.ts'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lmapp-engine-models-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const at = (...segments: string[]) => join(home, ...segments)
const timeouts = { connectMs: 1, stallMs: 1, loadMs: 1 }
const context = () => ({ timeouts, dataDir: at('data'), logFile: at('log'), modelsDir: at('own') })
const box = (config: object = {}) => ({
  id: 'box',
  config: { type: 'llama-server', enabled: true, ...config },
  environment: {},
})

function open() {
  const library = createModelLibrary({ modelsDir: at('own'), cacheDir: at('cache'), environment: {} })
  const disk = createDiskModels({
    homeDir: home,
    platform: 'linux',
    cacheDir: at('cache'),
    environment: {},
    settings: async () => ({ scan: true, folders: [] }),
    leaveOut: [at('own')],
  })
  return createEngineModels({
    library,
    disk,
    embedded: createEmbeddedModels({ library, disk }),
    llamafileFolders: async () => [at('Downloads')],
    environment: { PATH: '' },
  })
}

/** As a fetch leaves it. */
async function putFetched(file: string, bytes: Uint8Array, source: string): Promise<void> {
  const path = await putFile(at('own', file), bytes)
  const name = file.replace(/\.gguf$/, '')
  const description = {
    name: name.replace(/\.llamafile$/, ''),
    sizeBytes: bytes.length,
    sha256: '0'.repeat(64),
    source,
  }
  const fetchedAt = '2026-01-01T00:00:00Z'
  await writeFile(`${path.replace(/\.gguf$/, '')}.json`, JSON.stringify({ ...description, fetchedAt }))
}

describe('the models of an engine that lmapp starts', () => {
  it('are listed as the configuration names them: files, and what was fetched from the hub', async () => {
    const path = await putFile(at('small.gguf'), modelBytes())
    await putFetched('qwen.gguf', modelBytes(), 'hf:qwen/qwen:Q4_0')
    const gone = at('gone.gguf')
    const files = open().gguf(box({ models: { small: path, other: 'hf:qwen/qwen', late: 'hf:a/b', gone } }), context())
    const listed = await files.list()
    assert.deepEqual(
      listed.map((file) => [file.id, file.path]),
      [
        ['small', path],
        ['other', at('own/qwen.gguf')],
      ],
    )
    assert.equal(listed[0]?.memory?.sizeBytes, listed[0]?.sizeBytes)
    await assert.rejects(
      files.find('late'),
      (error) => isLmappError(error, 'model-not-found') && error.hint.includes('hf:a/b'),
    )
    await assert.rejects(
      files.find('gone'),
      (error) => isLmappError(error, 'model-not-found') && error.message.includes(gone),
    )
    await assert.rejects(files.find('smal'), (error) => {
      const names = isLmappError(error, 'model-not-found') && error.details?.known
      assert.deepEqual(names, ['small', 'other'], 'who lists them knows the backend')
      return true
    })
  })

  it('is the only one, called like the backend, where the arguments name it', async () => {
    const path = await putFile(at('only.gguf'), modelBytes())
    const [only, ...others] = await open()
      .gguf(box({ args: ['-t', '1', '-m', path] }), context())
      .list()
    assert.deepEqual([only?.id, only?.path, others.length], ['box', path, 0])
  })

  it('are found among all GGUF files of this machine by the names that people know', async () => {
    await putFile(at('own/mine.gguf'), modelBytes())
    const files = open().gguf(box(), context())
    assert.deepEqual(await files.list(), [])
    assert.equal((await files.find('mine')).path, at('own/mine.gguf'))
    await assert.rejects(files.find('yours'), (error) => isLmappError(error, 'model-not-found'))
  })
})

describe('the models of llamafile', () => {
  it('are those that were fetched, those in the usual places, and GGUF files by name', async () => {
    await putFetched('fetched.llamafile', llamafileBytes(), 'hf:m/f:fetched.llamafile')
    const found = await putFile(at('Downloads/found.llamafile'), llamafileBytes())
    await chmod(found, 0o755)
    await putFile(at('Downloads/broken.llamafile'), "MZqFpD='\nno more")
    await putFile(at('own/weights.gguf'), modelBytes())
    const files = open().llamafiles(box({ type: 'llamafile' }), context())
    assert.deepEqual((await files.list()).map(({ id }) => id).sort(), ['broken', 'fetched', 'found'])
    assert.equal((await files.find('found')).path, found)
    assert.equal((await files.find('weights')).path, at('own/weights.gguf'))
  })
})
