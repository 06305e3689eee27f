import assert from 'node:assert/strict'
import { rename, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { countEntry, entry, gguf, listEntry, text, textEntry, uint32 } from '../fixtures/gguf-bytes.ts'
import { modelPath } from '../fixtures/real-model.ts'
import { openTemporaryFolder } from '../fixtures/temporary-folder.ts'
import { embeds, isModel, poolingOf, readsAtOnce, toMemoryFields, toModelInfo, writesText } from './describe-model.ts'
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
  assert.equal(info.capabilities?.embed, 'yes')
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

describe('a model in several files', () => {
  const part = (count: number, entries: Buffer[] = []) => gguf([countEntry('split.count', count), ...entries])
  const named = (folder: string, number: number) => join(folder, `large-0000${number}-of-00003.gguf`)

  test('is one model under the name of the first, as large as all', async () => {
    await using folder = await openTemporaryFolder()
    for (const number of [1, 2, 3]) await writeFile(named(folder.path, number), part(3))
    const models = createModelFolder({ modelsDir: folder.path, models: {}, log: quiet })
    const [file, ...others] = await models.list()
    assert.deepEqual([file?.id, others.length], ['large-00001-of-00003', 0])
    assert.equal(file?.parts.length, 3)
    assert.equal(file?.sizeBytes, 3 * part(3).length)
  })

  test('is not-a-model when one is missing or broken, and says which', async () => {
    await using folder = await openTemporaryFolder()
    for (const number of [1, 2]) await writeFile(named(folder.path, number), part(3))
    const models = createModelFolder({ modelsDir: folder.path, models: {}, log: quiet })
    await assert.rejects(models.find('large-00001-of-00003'), {
      code: 'not-a-model',
      details: { path: named(folder.path, 3) },
    })
    await writeFile(named(folder.path, 3), 'no model')
    await assert.rejects(models.find('large-00001-of-00003'), { details: { path: named(folder.path, 3) } })
    assert.deepEqual(await models.list(), [])
  })

  test('has to be named as llama.cpp finds its files', async () => {
    await using folder = await openTemporaryFolder()
    await writeFile(join(folder.path, 'sha256-1'), part(2))
    const models = createModelFolder({ modelsDir: folder.path, models: { blob: 'sha256-1' }, log: quiet })
    await assert.rejects(models.find('blob'), { code: 'not-a-model', hint: /<name>-00001-of-00002\.gguf/ })
  })
})

describe('the list that somebody else writes', () => {
  test('is read anew when it was replaced, and names may hold any character', async () => {
    await using folder = await openTemporaryFolder()
    const modelsFile = join(folder.path, 'models.json')
    await writeFile(join(folder.path, 'sha256-b179'), gguf([]))
    const models = createModelFolder({ models: {}, modelsFile, log: quiet })
    assert.deepEqual(await models.list(), [])
    const write = async (found: unknown) => {
      await writeFile(`${modelsFile}.new`, JSON.stringify(found))
      await rename(`${modelsFile}.new`, modelsFile)
    }
    const path = join(folder.path, 'sha256-b179')
    await write({ models: { 'hf.co/a/b:Q4_K_M': path, relative: 'sha256-b179' } })
    assert.deepEqual(
      (await models.list()).map((file) => [file.id, file.path]),
      [
        ['hf.co/a/b:Q4_K_M', path],
        ['relative', path],
      ],
    )
    assert.equal((await models.find('hf.co/a/b:Q4_K_M')).path, path)
    await write({ models: { 'smollm2:latest': path } })
    assert.equal((await models.find('smollm2:latest')).path, path)
    await assert.rejects(models.find('relative'), {
      code: 'model-not-found',
      details: { name: 'relative', known: ['smollm2:latest'] },
    })
    await rm(modelsFile)
    assert.deepEqual(await models.list(), [])
  })

  test('that cannot be read is told once, and what it said before holds', async () => {
    await using folder = await openTemporaryFolder()
    const modelsFile = join(folder.path, 'models.json')
    await writeFile(join(folder.path, 'a.gguf'), gguf([]))
    await writeFile(modelsFile, '{ "models": { "a": "a.gguf" } }')
    const lines: string[] = []
    const models = createModelFolder({ models: {}, modelsFile, log: (_, line) => lines.push(line) })
    assert.equal((await models.list()).length, 1)
    for (const broken of ['{ "models": ', '[]', '{ "models": { "a": 7 } }', 'null', '{ "model": {} }']) {
      await writeFile(modelsFile, broken)
      assert.deepEqual(
        (await models.list()).map(({ id }) => id),
        ['a'],
        broken,
      )
      assert.equal((await models.find('a')).id, 'a')
    }
    assert.equal(lines.length, 5)
  })

  test('gives way to names of the folder and of the configuration', async () => {
    await using folder = await openTemporaryFolder()
    const modelsFile = join(folder.path, 'models.json')
    for (const name of ['a', 'b']) await writeFile(join(folder.path, `${name}.gguf`), gguf([]))
    await writeFile(modelsFile, '{ "models": { "x": "a.gguf", "a": "b.gguf" } }')
    const models = createModelFolder({ modelsDir: folder.path, modelsFile, models: { x: 'b.gguf' }, log: quiet })
    assert.deepEqual(
      (await models.list()).map(({ id, path }) => [id, basename(path)]),
      [
        ['a', 'a.gguf'],
        ['b', 'b.gguf'],
        ['x', 'b.gguf'],
      ],
    )
  })
})

test('projectors and adapters belong to a model: they are in no list, and nothing is said of them', async () => {
  await using folder = await openTemporaryFolder()
  await writeFile(join(folder.path, 'mmproj.gguf'), gguf([textEntry('general.architecture', 'clip')]))
  await writeFile(join(folder.path, 'lora.gguf'), gguf([textEntry('general.type', 'adapter')]))
  const models = createModelFolder({ modelsDir: folder.path, models: {}, log: () => assert.fail() })
  assert.deepEqual(await models.list(), [])
  assert.equal(isModel((await models.find('mmproj')).head), false)
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

test('who embeds and how: as the file says, and by the last token where it says nothing', async () => {
  await using folder = await openTemporaryFolder()
  const kinds = {
    chat: [textEntry('general.architecture', 'llama')],
    nomic: [textEntry('general.architecture', 'nomic-bert'), countEntry('nomic-bert.pooling_type', 1)],
    first: [textEntry('general.architecture', 'bert'), countEntry('bert.pooling_type', 2)],
    qwen: [textEntry('general.architecture', 'qwen3'), countEntry('qwen3.pooling_type', 3)],
    ranker: [textEntry('general.architecture', 'qwen3'), countEntry('qwen3.pooling_type', 4)],
    halves: [textEntry('general.architecture', 't5')],
    both: [textEntry('general.architecture', 'llama'), entry('llama.attention.causal', 7, Buffer.from([0]))],
  }
  for (const [name, entries] of Object.entries(kinds)) await writeFile(join(folder.path, `${name}.gguf`), gguf(entries))
  const models = createModelFolder({ modelsDir: folder.path, models: {}, log: quiet })
  const found = (await models.list()).map(({ id, head }) => [
    id,
    [embeds(head), writesText(head), poolingOf(head), readsAtOnce(head)],
  ])
  assert.deepEqual(Object.fromEntries(found), {
    both: [true, true, 'last', true],
    chat: [true, true, 'last', false],
    first: [true, false, 'first', true],
    halves: [false, true, 'last', false],
    nomic: [true, false, 'mean', true],
    qwen: [true, true, 'last', false],
    ranker: [false, false, 'rank', false],
  })
})

test('what memory depends on: from the head, also by layer', async () => {
  await using folder = await openTemporaryFolder()
  const counts = { block_count: 2, embedding_length: 64, 'attention.head_count': 4, 'attention.sliding_window': 512 }
  const entries = Object.entries(counts).map(([key, value]) => countEntry(`a.${key}`, value))
  const perLayer = [
    listEntry('a.attention.head_count_kv', 4, [1, 2].map(uint32)),
    listEntry('a.attention.sliding_window_pattern', 7, [Buffer.from([1]), Buffer.from([0])]),
    listEntry(
      'tokenizer.ggml.tokens',
      8,
      Array.from({ length: 3000 }, () => text('x')),
    ),
  ]
  await writeFile(join(folder.path, 'a.gguf'), gguf([textEntry('general.architecture', 'a'), ...entries, ...perLayer]))
  const models = createModelFolder({ modelsDir: folder.path, models: { smol: modelPath }, log: quiet })
  const file = await models.find('a')
  assert.deepEqual(toMemoryFields(file), {
    sizeBytes: file.sizeBytes,
    architecture: 'a',
    layers: 2,
    embeddingLength: 64,
    headCount: 4,
    headCountKv: [1, 2],
    keyLength: undefined,
    valueLength: undefined,
    slidingWindow: 512,
    slidingWindowPattern: [true, false],
    vocabularySize: 3000,
  })
  const { layers, headCountKv, vocabularySize } = toMemoryFields(await models.find('smol'))
  assert.deepEqual([layers, headCountKv, vocabularySize], [30, 3, 49_152])
})
