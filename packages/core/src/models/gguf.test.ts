import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { quantizations, tensorTypes } from 'lmapp-kit/gguf'
import { readAnyGguf, readGgufHeader } from './gguf.ts'
import {
  type GgufOptions,
  type GgufValue,
  ggufBytes,
  text,
  tinyMetadata,
  u32,
  u64,
  uint32,
} from './testing/gguf-bytes.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lmapp-gguf-'))
})
after(() => rm(folder, { recursive: true }))

async function read(bytes: Buffer) {
  const path = join(folder, 'model.gguf')
  await writeFile(path, bytes)
  return readGgufHeader(path)
}

async function refusal(bytes: Buffer): Promise<string> {
  const error = await read(bytes).then(
    () => assert.fail('it was accepted'),
    (reason: unknown) => reason,
  )
  assert.ok(isLmappError(error, 'not-a-model'), String(error))
  return error.message
}

const withKey = (key: string, value: GgufValue): GgufOptions => ({ metadata: { ...tinyMetadata, [key]: value } })
const raw = (...bytes: Buffer[]): GgufValue => ({ type: 'raw', bytes: Buffer.concat(bytes) })

test('the header says what the model is', async () => {
  assert.deepEqual(await read(ggufBytes()), {
    version: 3,
    kind: 'text',
    architecture: 'llama',
    name: 'Tiny',
    license: 'mit',
    parameters: '5K',
    parameterCount: 4096,
    quantization: 'Q4_K_M',
    contextLength: 2048,
    parts: 1,
    chatTemplate: '{{ messages }}',
    tensors: 1,
    memory: { architecture: 'llama', vocabularySize: 3 },
  })
})

test('what the header does not say is left out, and the size is counted', async () => {
  const metadata = {
    'general.architecture': text('qwen3'),
    'general.file_type': uint32(9999),
    'split.count': uint32(3),
  }
  const header = await read(ggufBytes({ version: 2, metadata }))
  assert.deepEqual(header, {
    version: 2,
    kind: 'other',
    architecture: 'qwen3',
    parameters: '5K',
    parameterCount: 4096,
    parts: 3,
    tensors: 1,
    memory: { architecture: 'qwen3' },
  })
  assert.equal((await read(ggufBytes(withKey('general.size_label', text('1B'))))).parameters, '1B')
  const sized = (elements: number) =>
    read(ggufBytes({ tensors: [{ name: 't', dimensions: [elements], type: 31, offset: 0, bytes: 0 }] }))
  assert.equal((await sized(134_515_008)).parameters, '135M')
  assert.equal((await sized(1_540_000_000)).parameters, '1.5B')
  assert.equal((await sized(32_000_000_000)).parameters, '32B')
})

test('values of every type are passed over', async () => {
  const values = [
    raw(u32(0), Buffer.from([1])),
    raw(u32(1), Buffer.from([1])),
    raw(u32(2), Buffer.from([1, 0])),
    raw(u32(3), Buffer.from([1, 0])),
    raw(u32(5), u32(1)),
    raw(u32(6), u32(1)),
    raw(u32(7), Buffer.from([1])),
    raw(u32(10), u64(1)),
    raw(u32(11), u64(1)),
    raw(u32(12), u64(1)),
    raw(u32(9), u32(4), u64(2), u32(1), u32(2)),
    raw(u32(9), u32(9), u64(2), u32(8), u64(0), u32(0), u64(1), Buffer.from([7])),
    text('x'.repeat(2_000_000)),
    { type: 'texts' as const, value: Array.from({ length: 100_000 }, (_, index) => `token ${index}`) },
  ]
  const metadata = Object.fromEntries(values.map((value, index) => [`key.${index}`, value]))
  assert.equal((await read(ggufBytes({ metadata: { ...metadata, ...tinyMetadata } }))).architecture, 'llama')
})

test('a file that is cut short is refused, by one byte too', async () => {
  const whole = ggufBytes()
  assert.match(
    await refusal(whole.subarray(0, -1)),
    new RegExp(`${whole.length - 1} of at least ${whole.length} bytes`),
  )
  for (const length of [0, 3, 23, 40, 200, 400]) await refusal(whole.subarray(0, length))
})

test('what is no GGUF at all is refused', async () => {
  await refusal(Buffer.from('<!doctype html><title>Please sign in</title>'))
  assert.match(await refusal(ggufBytes({ magic: 'GGML' })), /does not begin with GGUF/)
  assert.match(await refusal(ggufBytes({ version: 1 })), /GGUF version 1/)
  assert.match(await refusal(ggufBytes({ version: 0x3000000 })), /big-endian/)
  await refusal(Buffer.alloc(100_000))
})

test('a file without tensors or architecture is no model', async () => {
  assert.match(await refusal(ggufBytes({ tensors: [] })), /no tensors/)
  assert.match(await refusal(ggufBytes({ metadata: {} })), /no architecture/)
  assert.match(await refusal(ggufBytes({ metadata: { 'general.architecture': uint32(1) } })), /no architecture/)
})

test('numbers that cannot be true are refused before anything is reserved for them', async () => {
  const huge = 2n ** 63n
  const head = Buffer.concat([Buffer.from('GGUF'), u32(3)])
  const pad = Buffer.alloc(64)
  await refusal(Buffer.concat([head, u64(huge), u64(0), pad]))
  await refusal(Buffer.concat([head, u64(2 ** 40), u64(0), pad]))
  await refusal(Buffer.concat([head, u64(1), u64(2 ** 40), pad]))
  await refusal(Buffer.concat([head, u64(1), u64(1), u64(2 ** 50), pad]))
  await refusal(ggufBytes(withKey('k', raw(u32(9), u32(8), u64(2 ** 50)))))
  await refusal(ggufBytes(withKey('k', raw(u32(9), u32(10), u64(4000)))))
  await refusal(ggufBytes(withKey('k', raw(u32(9), u32(8), u64(1), u64(huge)))))
  assert.match(await refusal(ggufBytes(withKey('k', raw(u32(99))))), /unknown type 99/)
  const nested = Array.from({ length: 6 }, () => [u32(9), u64(1)]).flat()
  assert.match(await refusal(ggufBytes(withKey('k', raw(u32(9), ...nested, u32(4), u64(0))))), /too deeply/)
  await refusal(ggufBytes(withKey('general.alignment', uint32(0))))
  const tensor = { name: 't', type: 0, offset: 0, bytes: 0 }
  await refusal(ggufBytes({ tensors: [{ ...tensor, dimensions: [2 ** 40, 2 ** 40] }] }))
  await refusal(ggufBytes({ tensors: [{ ...tensor, dimensions: Array.from({ length: 9 }, () => 1) }] }))
})

test('a tensor of a type that nobody knows yet is taken as it is', async () => {
  const tensors = [{ name: 't', dimensions: [1_000_000], type: 4711, offset: 0, bytes: 0 }]
  assert.equal((await read(ggufBytes({ tensors }))).tensors, 1)
})

test('a file that cannot be read is refused by name', async () => {
  for (const name of ['none.gguf', 'folder']) {
    await mkdir(join(folder, 'folder'), { recursive: true })
    await assert.rejects(readGgufHeader(join(folder, name)), (error) => isLmappError(error, 'not-a-model'))
  }
})

const list = (type: number, values: readonly Buffer[]) => raw(u32(9), u32(type), u64(values.length), ...values)

test('what its memory depends on is read, by layer too', async () => {
  const keys: [string, GgufValue][] = [
    ['llama.block_count', uint32(2)],
    ['llama.embedding_length', uint32(64)],
    ['llama.attention.head_count', list(4, [u32(4), u32(8)])],
    ['llama.attention.head_count_kv', list(4, [u32(1), u32(2)])],
    ['llama.attention.key_length', uint32(16)],
    ['llama.attention.value_length', uint32(16)],
    ['llama.attention.sliding_window', uint32(512)],
    ['llama.attention.sliding_window_pattern', list(7, [Buffer.from([1]), Buffer.from([0])])],
    ['llama.vocab_size', uint32(7)],
  ]
  const { memory } = await read(ggufBytes({ metadata: { ...tinyMetadata, ...Object.fromEntries(keys) } }))
  assert.deepEqual(memory, {
    architecture: 'llama',
    layers: 2,
    embeddingLength: 64,
    headCount: 8,
    headCountKv: [1, 2],
    keyLength: 16,
    valueLength: 16,
    slidingWindow: 512,
    slidingWindowPattern: [true, false],
    vocabularySize: 7,
  })
})

test('what goes with a model, or is one of something else, is told apart', async () => {
  const kindOf = async (metadata: Record<string, GgufValue>, more: GgufOptions = {}) => {
    const path = join(folder, 'kind.gguf')
    await writeFile(path, ggufBytes({ metadata, ...more }))
    return (await readAnyGguf(path)).kind
  }
  const of = (key: string, value: GgufValue) => kindOf({ ...tinyMetadata, [key]: value })
  assert.equal(await kindOf(tinyMetadata), 'text')
  assert.equal(await of('general.architecture', text('nomic-bert')), 'encoder')
  assert.equal(await of('general.architecture', text('clip')), 'projector')
  assert.equal(await of('general.type', text('mmproj')), 'projector')
  assert.equal(await of('general.type', text('adapter')), 'adapter')
  assert.equal(await of('adapter.type', text('lora')), 'adapter')
  assert.equal(await of('general.type', text('imatrix')), 'imatrix')
  assert.equal(await of('split.no', uint32(1)), 'part')
  assert.equal(await kindOf(tinyMetadata, { tensors: [] }), 'vocabulary')
  assert.equal(await kindOf({ 'general.architecture': text('flux') }), 'other')
  assert.equal(await kindOf({}, { tensors: [] }), 'other')
})

test('random bytes, and a header with any one byte changed, are a header or a refusal', async () => {
  const { randomBytes } = await import('node:crypto')
  const path = join(folder, 'random.gguf')
  const isHandled = async (bytes: Buffer) => {
    await writeFile(path, bytes)
    await readAnyGguf(path).catch((error) => assert.ok(isLmappError(error, 'not-a-model'), String(error?.stack)))
  }
  await isHandled(randomBytes(10_000))
  await isHandled(Buffer.concat([Buffer.from('GGUF'), u32(3), randomBytes(10_000)]))
  await isHandled(Buffer.concat([Buffer.from('GGUF'), u32(3), u64(3), u64(7), randomBytes(10_000)]))
  const whole = ggufBytes()
  for (let at = 0; at < 420; at += 1) {
    const bytes = Buffer.from(whole)
    bytes[at] = 255
    await isHandled(bytes)
  }
})

test('a list of texts may be longer than what is read at once, and must not claim more than any has', async () => {
  const many = {
    type: 'texts' as const,
    value: Array.from({ length: 90_000 }, (_, index) => `a longer token ${index}`),
  }
  assert.equal((await read(ggufBytes(withKey('tokenizer.ggml.tokens', many)))).memory.vocabularySize, 90_000)
  await refusal(ggufBytes(withKey('k', raw(u32(9), u32(8), u64(2000), Buffer.alloc(200)))))
  const whole = ggufBytes(withKey('tokenizer.ggml.tokens', many))
  for (const length of [600_000, 1_000_000]) await refusal(whole.subarray(0, length))
})

test('the tables know each type once', () => {
  assert.equal(tensorTypes.size, 35)
  assert.deepEqual(tensorTypes.get(3), { elements: 32, bytes: 20 })
  assert.equal(quantizations.get(15), 'Q4_K_M')
})
