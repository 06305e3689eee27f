import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { open, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { countEntry, entry, gguf, listEntry, text, textEntry, uint32, uint64 } from '../fixtures/gguf-bytes.ts'
import { modelPath } from '../fixtures/real-model.ts'
import { openTemporaryFolder } from '../fixtures/temporary-folder.ts'
import { type GgufHead, readGgufHead } from './gguf.ts'

async function read(bytes: Buffer): Promise<GgufHead> {
  await using folder = await openTemporaryFolder()
  const path = join(folder.path, 'model.gguf')
  await writeFile(path, bytes)
  return await readGgufHead(path)
}

test('a real model: metadata, parameters and size', async () => {
  const head = await readGgufHead(modelPath)
  assert.equal(head.metadata.get('general.architecture'), 'llama')
  assert.equal(head.metadata.get('llama.context_length'), 8192)
  assert.equal(head.metadata.has('tokenizer.ggml.tokens'), false, 'the vocabulary is passed over')
  assert.equal(head.parameterCount, 134_515_008)
  assert.equal(head.neededBytes, (await stat(modelPath)).size)
})

test('every type of value is read', async () => {
  const byte = (value: number) => Buffer.from([value & 0xff])
  const short = (value: number) => Buffer.from([value & 0xff, value >> 8])
  const double = Buffer.alloc(8)
  double.writeDoubleLE(0.5)
  const float = Buffer.alloc(4)
  float.writeFloatLE(0.25)
  const { metadata } = await read(
    gguf([
      entry('u8', 0, byte(200)),
      entry('i8', 1, byte(-2)),
      entry('u16', 2, short(300)),
      entry('i16', 3, short(5)),
      countEntry('u32', 70_000),
      entry('i32', 5, uint32(6)),
      entry('f32', 6, float),
      entry('bool', 7, byte(1)),
      textEntry('text', 'é漢'),
      listEntry('texts', 8, [text('a'), text('b')]),
      listEntry('lists', 9, [Buffer.concat([uint32(4), uint64(1), uint32(9)])]),
      entry('u64', 10, uint64(2 ** 40)),
      entry('i64', 11, uint64(3)),
      entry('f64', 12, double),
    ]),
  )
  assert.deepEqual(Object.fromEntries(metadata), {
    u8: 200,
    i8: -2,
    u16: 300,
    i16: 5,
    u32: 70_000,
    i32: 6,
    f32: 0.25,
    bool: true,
    text: 'é漢',
    texts: ['a', 'b'],
    lists: [[9]],
    u64: 2 ** 40,
    i64: 3,
    f64: 0.5,
  })
})

test('a head longer than the first read is read whole, and its long lists are left out', async () => {
  const words = Array.from({ length: 60_000 }, (_, index) => text(`word number ${index}`))
  const numbers = Array.from({ length: 2000 }, uint32)
  const bytes = gguf([listEntry('words', 8, words), listEntry('numbers', 4, numbers), textEntry('after', 'it')])
  assert.ok(bytes.length > 1 << 20)
  assert.deepEqual([...(await read(bytes)).metadata], [['after', 'it']])
})

test('a list within a long list is left out with it', async () => {
  const lists = Array.from({ length: 1025 }, () => Buffer.concat([uint32(8), uint64(0)]))
  assert.equal((await read(gguf([listEntry('lists', 9, lists)]))).metadata.size, 0)
})

test('tensors say how large the file has to be', async () => {
  const bytes = gguf(
    [countEntry('general.alignment', 64)],
    [
      { name: 'weights', dimensions: [64, 2], type: 8, offset: 0 },
      { name: 'of a type that came later', dimensions: [10], type: 900, offset: 192 },
    ],
  )
  const dataStart = Math.ceil(bytes.length / 64) * 64
  const head = await read(Buffer.concat([bytes, Buffer.alloc(dataStart - bytes.length + 193)]))
  assert.equal(head.parameterCount, 138)
  assert.equal(head.neededBytes, dataStart + 193)
})

test('a file whose tensors are cut off is not-a-model, with both sizes', async () => {
  const bytes = gguf([], [{ name: 'weights', dimensions: [32], type: 0, offset: 0 }])
  const padded = Buffer.concat([bytes, Buffer.alloc(100)])
  await assert.rejects(read(padded), (error: Error & { code?: string; details?: Record<string, unknown> }) => {
    assert.equal(error.code, 'not-a-model')
    assert.equal(error.details?.bytes, padded.length)
    assert.ok(Number(error.details?.neededBytes) > padded.length)
    return true
  })
})

for (const [what, bytes] of [
  ['an empty file', Buffer.alloc(0)],
  ['a file of something else', Buffer.from('<!doctype html><title>404</title>')],
  ['a file of a version that came later', gguf([], [], 9)],
  ['a value of an unknown type', gguf([entry('odd', 77, uint32(0))])],
  ['a text longer than the file', gguf([entry('long', 8, uint64(2n ** 60n))])],
  ['a list longer than the file', gguf([entry('long', 9, Buffer.concat([uint32(4), uint64(2n ** 50n)]))])],
  ['a head that ends early', gguf([textEntry('key', 'value')]).subarray(0, -3)],
] as const) {
  test(`${what} is not-a-model`, async () => {
    await assert.rejects(read(bytes), { code: 'not-a-model' })
  })
}

test('a real model that is cut short is not-a-model', async () => {
  await using source = await open(modelPath)
  const bytes = Buffer.alloc(3 << 20)
  await source.read(bytes, 0, bytes.length, 0)
  await assert.rejects(read(bytes), { code: 'not-a-model' })
})

test('lists nested deeper than any model has them are not-a-model, and do not overflow the stack', async () => {
  const level = Buffer.concat([uint32(9), uint64(1)])
  const nested = Buffer.concat([...Array.from({ length: 50_000 }, () => level), uint32(4), uint64(0)])
  await assert.rejects(read(gguf([entry('deep', 9, nested)])), { code: 'not-a-model' })
})

test('10,000 random bytes, also behind a beginning that is right, are not-a-model or a head', async () => {
  for (let round = 0; round < 200; round += 1) {
    const bytes = Buffer.concat([round % 2 ? gguf([]).subarray(0, 24) : Buffer.alloc(0), randomBytes(10_000)])
    if (round % 2) bytes.writeBigUInt64LE(BigInt(round), 16)
    const result = await read(bytes).catch((error: unknown) => error)
    if (result instanceof Error) assert.equal((result as { code?: string }).code, 'not-a-model', String(result.stack))
  }
})
