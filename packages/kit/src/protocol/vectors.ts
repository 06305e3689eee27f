import { LmappError } from '../errors/lmapp-error.ts'

/** Little-endian float32, row after row, as embeddings travel. */
export function toVectorBytes(vectors: readonly Float32Array[]): Uint8Array {
  const bytes = Buffer.alloc(vectors.reduce((sum, vector) => sum + vector.length * 4, 0))
  let offset = 0
  for (const vector of vectors) {
    for (const value of vector) offset = bytes.writeFloatLE(value, offset)
  }
  return bytes
}

/** Throws `protocol-violation` when the bytes do not make whole rows. */
export function parseVectorBytes(bytes: Uint8Array, dimensions: number): Float32Array[] {
  const rowBytes = dimensions * 4
  if (!Number.isInteger(dimensions) || dimensions < 1 || bytes.byteLength % rowBytes !== 0) {
    throw new LmappError('protocol-violation', `${bytes.byteLength} bytes are no vectors of ${dimensions} numbers.`, {
      details: { bytes: bytes.byteLength, dimensions },
    })
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.byteLength / rowBytes }, (_, row) =>
    Float32Array.from({ length: dimensions }, (_, column) => view.getFloat32(row * rowBytes + column * 4, true)),
  )
}
