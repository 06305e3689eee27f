import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { quantizations, tensorTypes } from 'lmapp-kit/gguf'
import { readGgufHeader } from './gguf.ts'
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
    architecture: 'llama',
    name: 'Tiny',
    license: 'mit',
    parameters: '5K',
    quantization: 'Q4_K_M',
    contextLength: 2048,
    parts: 1,
    hasChatTemplate: true,
    tensors: 1,
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
    architecture: 'qwen3',
    parameters: '5K',
    parts: 3,
    hasChatTemplate: false,
    tensors: 1,
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

test('the tables know each type once', () => {
  assert.equal(tensorTypes.size, 35)
  assert.deepEqual(tensorTypes.get(3), { elements: 32, bytes: 20 })
  assert.equal(quantizations.get(15), 'Q4_K_M')
})
