/** Writes tiny GGUF files, right ones and wrong ones, for tests. */

export type GgufValue =
  | { type: 'text'; value: string }
  | { type: 'uint32'; value: number }
  | { type: 'raw'; bytes: Buffer }
  | { type: 'texts'; value: readonly string[] }

export interface GgufTensor {
  name: string
  dimensions: readonly number[]
  /** ggml's number; 0 is F32. */
  type: number
  offset: number
  bytes: number
}

export interface GgufOptions {
  magic?: string
  version?: number
  metadata?: Readonly<Record<string, GgufValue>>
  tensors?: readonly GgufTensor[]
  /** Makes files differ. */
  fill?: number
}

export const text = (value: string): GgufValue => ({ type: 'text', value })
export const uint32 = (value: number): GgufValue => ({ type: 'uint32', value })

export const tinyMetadata: Readonly<Record<string, GgufValue>> = {
  'general.architecture': text('llama'),
  'general.name': text('Tiny'),
  'general.license': text('mit'),
  'general.file_type': uint32(15),
  'llama.context_length': uint32(2048),
  'tokenizer.ggml.tokens': { type: 'texts', value: ['a', 'bc', ''] },
  'tokenizer.chat_template': text('{{ messages }}'),
}

/** A whole model of one tensor with 4,096 numbers. */
export function ggufBytes(options: GgufOptions = {}): Buffer {
  const { magic = 'GGUF', version = 3, metadata = tinyMetadata, fill = 0 } = options
  const tensors = options.tensors ?? [
    { name: 'output.weight', dimensions: [64, 64], type: 0, offset: 0, bytes: 16_384 },
  ]
  const entries = Object.entries(metadata)
  const head = [
    Buffer.from(magic),
    u32(version),
    u64(tensors.length),
    u64(entries.length),
    ...entries.flatMap(([key, value]) => [textBytes(key), valueBytes(value)]),
    ...tensors.flatMap(({ name, dimensions, type, offset }) => [
      textBytes(name),
      u32(dimensions.length),
      ...dimensions.map(u64),
      u32(type),
      u64(offset),
    ]),
  ]
  const header = Buffer.concat(head)
  const padding = Buffer.alloc((32 - (header.length % 32)) % 32)
  const data = Buffer.alloc(Math.max(0, ...tensors.map(({ offset, bytes }) => offset + bytes)), fill)
  return Buffer.concat([header, padding, data])
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function textBytes(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}

function valueBytes(value: GgufValue): Buffer {
  switch (value.type) {
    case 'text':
      return Buffer.concat([u32(8), textBytes(value.value)])
    case 'uint32':
      return Buffer.concat([u32(4), u32(value.value)])
    case 'texts':
      return Buffer.concat([u32(9), u32(8), u64(value.value.length), ...value.value.map(textBytes)])
    case 'raw':
      return value.bytes
    default:
      return value satisfies never
  }
}
