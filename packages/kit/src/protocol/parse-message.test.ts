import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from '../errors/lmapp-error.ts'
import { maxNesting, parseMessage } from './parse-message.ts'

/** The error of a line that is no message. */
function errorOf(line: string) {
  try {
    parseMessage(line)
  } catch (error) {
    assert.ok(isLmappError(error, 'stream-malformed'), String(error))
    return error
  }
  assert.fail(`It was taken: ${line.slice(0, 100)}`)
}

const nested = (open: string, close: string, levels: number) => `${open.repeat(levels)}1${close.repeat(levels)}`
const withParams = (params: string) => `{"method":"x","params":${params}}`

describe('parseMessage', () => {
  it('tells by its members what a line is', () => {
    for (const [line, expected] of [
      ['{"id":1,"method":"m","params":[2]}', { kind: 'request', id: 1, method: 'm', params: [2] }],
      ['{"id":"a","method":"m"}', { kind: 'request', id: 'a', method: 'm', params: undefined }],
      ['{"method":"m","more":1}', { kind: 'notification', method: 'm', params: undefined }],
      ['{"id":1,"result":null}', { kind: 'result', id: 1, result: null }],
      ['{"id":null,"error":{"code":1}}', { kind: 'error', id: null, error: { code: 1 } }],
    ] as const) {
      assert.deepEqual(parseMessage(line), expected)
    }
  })

  it('takes no member from where none was written', () => {
    errorOf('{"__proto__":{"method":"m"},"id":1}')
    errorOf('{"id":1}')
    errorOf('{"id":null,"method":"m"}')
    errorOf('{"id":null,"result":1}')
    assert.deepEqual(parseMessage('{"id":"__proto__","result":1}'), { kind: 'result', id: '__proto__', result: 1 })
  })

  it('shows the beginning of a line that is wrong', () => {
    assert.equal(errorOf(`Loading${'.'.repeat(500)}`).details?.line, `Loading${'.'.repeat(193)}`)
  })

  it('refuses what is nested too deeply to be written again, however it is nested', () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"a":[', ']}]'],
    ] as const) {
      const levels = Math.floor(maxNesting / ((open + close).match(/[[{]/g)?.length ?? 1))
      parseMessage(withParams(nested(open, close, levels - 1)))
      const error = errorOf(withParams(nested(open, close, levels + 1)))
      assert.match(error.message, /nested deeper than 500 levels/)
      errorOf(withParams(nested(open, close, 100_000)))
    }
    errorOf('['.repeat(1_000_000))
  })

  it('counts no bracket within a text, and what is closed no more', () => {
    const text = `\\"${'[{'.repeat(2000)}\\\\`
    parseMessage(withParams(`"${text}"`))
    parseMessage(withParams(`["${text}",${'[{}],'.repeat(2000)}1]`))
    errorOf(withParams(`["${text}",${nested('[', ']', maxNesting)}]`))
    assert.match(errorOf(`{"method":"${'['.repeat(2000)}`).message, /no JSON/)
  })
})
