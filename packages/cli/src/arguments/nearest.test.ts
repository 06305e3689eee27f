import assert from 'node:assert/strict'
import { it } from 'node:test'
import { nearest } from './nearest.ts'

it('finds what a typing mistake meant', () => {
  assert.equal(nearest('modle', ['model', 'mode', 'module']), 'model')
  assert.equal(nearest('temprature', ['temperature', 'top_p']), 'temperature')
  assert.equal(nearest('LIST', ['show', 'list']), 'list')
})

it('finds nothing where too much differs', () => {
  assert.equal(nearest('banana', ['model', 'list']), undefined)
  assert.equal(nearest('x', []), undefined)
})
