import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseCount } from './parse-count.ts'

it('reads a whole number, or takes the default', () => {
  assert.equal(parseCount('port', '0', { least: 0, most: 65535, default: 5627 }), 0)
  assert.equal(parseCount('port', undefined, { least: 0, default: 5627 }), 5627)
})

it('refuses everything else and names the range', () => {
  for (const text of ['', '-1', '1.5', 'x', '65536']) {
    assert.throws(() => parseCount('port', text, { least: 0, most: 65535, default: 5627 }), {
      code: 'bad-input',
      message: /from 0 to 65535/,
    })
  }
  assert.throws(() => parseCount('lines', '0', { least: 1, default: 100 }), { message: /from 1 up/ })
})
