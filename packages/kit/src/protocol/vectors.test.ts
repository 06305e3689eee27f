import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from '../errors/lmapp-error.ts'
import { parseVectorBytes, toVectorBytes } from './vectors.ts'
import { chooseVersion, isCompatibleVersion } from './version.ts'

describe('vectors', () => {
  it('travel as little-endian float32, row after row', () => {
    const vectors = [Float32Array.of(1, -0.5), Float32Array.of(0, 3)]
    const bytes = toVectorBytes(vectors)
    assert.equal(Buffer.from(bytes).toString('hex'), '0000803f000000bf0000000000004040')
    assert.deepEqual(parseVectorBytes(bytes, 2), vectors)
    assert.deepEqual(parseVectorBytes(bytes.subarray(4, 12), 1), [Float32Array.of(-0.5), Float32Array.of(0)])
    assert.deepEqual(parseVectorBytes(new Uint8Array(0), 3), [])
  })

  it('are refused when they are no whole rows', () => {
    for (const [bytes, dimensions] of [
      [7, 1],
      [8, 3],
      [8, 0],
      [8, 0.5],
    ] as const) {
      assert.throws(
        () => parseVectorBytes(new Uint8Array(bytes), dimensions),
        (error) => isLmappError(error, 'protocol-violation'),
      )
    }
  })
})

describe('versions', () => {
  it('agree when the major is the same', () => {
    assert.deepEqual(['1.0', '1.12', '2.0', '10.0', '1', 'x'].map(isCompatibleVersion), [
      true,
      true,
      false,
      false,
      false,
      false,
    ])
    assert.equal(chooseVersion(['2.0', '1.3']), '1.0')
    assert.throws(
      () => chooseVersion(['2.0']),
      (error) => isLmappError(error, 'interface-version'),
    )
  })
})
