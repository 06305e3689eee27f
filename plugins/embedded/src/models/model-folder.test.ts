import assert from 'node:assert/strict'
import { rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { countEntry, gguf, listEntry, textEntry, uint32 } from '../fixtures/gguf-bytes.ts'
import { modelPath } from '../fixtures/real-model.ts'
import { openTemporaryFolder } from '../fixtures/temporary-folder.ts'
import { cacheBytesPerToken, toModelInfo, writesText } from './describe-model.ts'
import { createModelFolder } from './model-folder.ts'

const quiet = () => {}

test('the models of the folder and the named ones are listed, by name', async () => {
  await using folder = await openTemporaryFolder()
  await symlink(modelPath, join(folder.path, 'small.gguf'))
  await writeFile(join(folder.path, '.part.gguf'), 'on its way')
  await writeFile(join(folder.path, 'notes.txt'), 'no model')
  const models = createModelFolder({ modelsDir: folder.path, models: { another: 'small.gguf' }, log: quiet })
  assert.deepEqual(
    (await models.list()).map(({ id, path }) => [id, path]),
    [
      ['another', join(folder.path, 'small.gguf')],
      ['small', join(folder.path, 'small.gguf')],
    ],
  )
})

test('what is known of a model: from its head and from the file beside it', async () => {
  await using folder = await openTemporaryFolder()
  await symlink(modelPath, join(folder.path, 'small.gguf'))
  await writeFile(join(folder.path, 'small.json'), JSON.stringify({ license: 'Apache-2.0', source: 'a', sha256: 'ab' }))
  const models = createModelFolder({ modelsDir: folder.path, models: {}, log: quiet })
  const info = toModelInfo(await models.find('small'))
  assert.equal(info.sizeBytes, 98_362_432)
  assert.equal(info.quantization, 'Q4_1')
  assert.equal(info.parameters, '135M')
  assert.equal(info.family, 'llama')
  assert.equal(info.contextLength, 8192)
  assert.equal(info.license, 'Apache-2.0')
  assert.equal(info.digest, 'sha256:ab')
  assert.equal(info.capabilities?.chat, 'yes')
  assert.equal(info.capabilities?.reasoning, 'no')
})

test('a file that appears, changes or goes is seen at once', async () => {
  await using folder = await openTemporaryFolder()
  const path = join(folder.path, 'new.gguf')
  const models = createModelFolder({ modelsDir: folder.path, models: {}, log: quiet })
  assert.deepEqual(await models.list(), [])
  await writeFile(path, gguf([textEntry('general.license', 'mit')]))
  assert.equal(toModelInfo(await models.find('new')).license, 'mit')
  await writeFile(path, gguf([textEntry('general.license', 'apache-2.0')]))
  assert.equal(toModelInfo(await models.find('new')).license, 'apache-2.0')
  await rm(path)
  await assert.rejects(models.find('new'), { code: 'model-not-found' })
})

test('a broken file is passed over in the list, with a line in the log, and not-a-model when it is asked', async () => {
  await using folder = await openTemporaryFolder()
  await writeFile(join(folder.path, 'broken.gguf'), 'no model')
  const lines: string[] = []
  const models = createModelFolder({
    modelsDir: folder.path,
    models: { gone: 'gone.gguf' },
    log: (_, line) => lines.push(line),
  })
  assert.deepEqual(await models.list(), [])
  assert.equal(lines.length, 2)
  await assert.rejects(models.find('broken'), { code: 'not-a-model' })
  await assert.rejects(models.find('gone'), { code: 'model-not-found' })
})

test('an unknown name is model-not-found and says what is known; a folder that is not there holds nothing', async () => {
  const models = createModelFolder({ modelsDir: '/nowhere', models: { small: modelPath }, log: quiet })
  await assert.rejects(models.find('../small'), {
    code: 'model-not-found',
    details: { name: '../small', known: ['small'] },
  })
  assert.equal((await models.list()).length, 1)
  assert.deepEqual(await createModelFolder({ models: {}, log: quiet }).list(), [])
})

test('a file beside the model that is no JSON, or says nothing, does no harm', async () => {
  await using folder = await openTemporaryFolder()
  await writeFile(join(folder.path, 'one.gguf'), gguf([]))
  await writeFile(join(folder.path, 'one.json'), '{ broken')
  await writeFile(join(folder.path, 'two.gguf'), gguf([]))
  await writeFile(join(folder.path, 'two.json'), '[]')
  const models = createModelFolder({ modelsDir: folder.path, models: {}, log: quiet })
  assert.deepEqual(
    (await models.list()).map((file) => file.sidecar),
    [{}, {}],
  )
})

test('of a model in several files the first one stands for all', async () => {
  await using folder = await openTemporaryFolder()
  for (const part of ['00001', '00002']) await writeFile(join(folder.path, `large-${part}-of-00002.gguf`), gguf([]))
  const models = createModelFolder({ modelsDir: folder.path, models: {}, log: quiet })
  assert.deepEqual(
    (await models.list()).map(({ id }) => id),
    ['large-00001-of-00002'],
  )
})

test('encoders write no text; templates with thoughts mean reasoning; large counts are billions', async () => {
  await using folder = await openTemporaryFolder()
  await writeFile(join(folder.path, 'encoder.gguf'), gguf([textEntry('general.architecture', 'nomic-bert')]))
  const tensor = { name: 'weights', dimensions: [1e9, 1.5], type: 0, offset: 0 }
  await writeFile(
    join(folder.path, 'thinker.gguf'),
    gguf([textEntry('tokenizer.chat_template', '{% if enable_thinking %}')], []),
  )
  const models = createModelFolder({ modelsDir: folder.path, models: {}, log: quiet })
  const [encoder, thinker] = await models.list()
  assert.ok(encoder && thinker)
  assert.equal(writesText(encoder.head), false)
  assert.equal(toModelInfo(encoder).capabilities?.chat, 'no')
  assert.equal(toModelInfo(thinker).capabilities?.reasoning, 'yes')
  const large = { ...thinker, head: { ...thinker.head, parameterCount: tensor.dimensions[0] ?? 0 } }
  assert.equal(toModelInfo(large).parameters, '1B')
})

test('the cache of a token: from the heads, which may differ by layer', async () => {
  await using folder = await openTemporaryFolder()
  const counts = { block_count: 2, embedding_length: 64, 'attention.head_count': 4 }
  const entries = Object.entries(counts).map(([key, value]) => countEntry(`a.${key}`, value))
  const perLayer = listEntry('a.attention.head_count_kv', 4, [1, 2].map(uint32))
  await writeFile(join(folder.path, 'a.gguf'), gguf([textEntry('general.architecture', 'a'), ...entries]))
  await writeFile(join(folder.path, 'b.gguf'), gguf([textEntry('general.architecture', 'a'), ...entries, perLayer]))
  await writeFile(join(folder.path, 'c.gguf'), gguf([]))
  const models = createModelFolder({ modelsDir: folder.path, models: {}, log: quiet })
  const sizes = (await models.list()).map(({ head }) => cacheBytesPerToken(head))
  assert.deepEqual(sizes, [2 * 4 * 32 * 2, 2 * 2 * 32 * 2, 0])
})
