import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { errorTable } from '../errors/error-table.ts'
import { optionalMethods, requiredMethods } from '../manifest.ts'
import * as schemas from './index.ts'
import { methodSchemas, notificationSchemas } from './methods.ts'
import { toBackendInterface, toErrorsMarkdown } from './specs.ts'

const specs = new URL('../../../../specs/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, specs), 'utf8')

describe('the files in specs/', () => {
  const advice = 'The contract changed: run `npm run specs` and look at the difference.'
  test('backend-interface.json is what the schemas say', () => {
    assert.ok(read('backend-interface.json') === toBackendInterface(), advice)
  })
  test('errors.md is what the table says', () => {
    assert.ok(read('errors.md') === toErrorsMarkdown(), advice)
  })
})

describe('backend-interface.json', () => {
  const text = toBackendInterface()
  const document = JSON.parse(text)

  test('names every method of the contract, and which must be there', () => {
    assert.deepEqual(Object.keys(document.methods).sort(), ['hello', ...requiredMethods, ...optionalMethods].sort())
    const required = Object.keys(document.methods).filter((name) => document.methods[name].required)
    assert.deepEqual(required.sort(), ['hello', ...requiredMethods].sort())
    assert.deepEqual(document.methods.start, { required: true, params: { type: 'object' }, result: { type: 'null' } })
    assert.deepEqual(document.methods.chat.result, { $ref: '#/$defs/Finish' })
  })

  test('defines whatever it refers to', () => {
    const references = new Set([...text.matchAll(/"\$ref": "#\/\$defs\/(\w+)"/g)].map((match) => match[1] ?? ''))
    assert.ok(references.size > 20)
    for (const name of references) assert.ok(Object.hasOwn(document.$defs, name), name)
    assert.equal(/"\$ref": "(?!#\/\$defs\/)/.test(text), false)
  })

  test('has a definition of everything that is exported, open to what it does not know', () => {
    assert.equal(Object.keys(document.$defs).length, Object.keys(schemas).length)
    for (const [name, definition] of Object.entries<Record<string, unknown>>(document.$defs)) {
      if (definition.type === 'object') assert.deepEqual(definition.additionalProperties, {}, name)
    }
    assert.deepEqual(document.$defs.Manifest.required, [
      'name',
      'version',
      'language',
      'interface_version',
      'methods',
      'execution',
    ])
  })
})

describe('lifecycle.md', () => {
  const lines = [...read('lifecycle.md').matchAll(/^([→←]) (\{.*\})$/gmu)].map(([, from, line]) => ({
    from: from === '→' ? 'host' : 'plugin',
    message: JSON.parse(line ?? ''),
  }))
  const asked = new Map<unknown, string>()

  test('shows an exchange in which every line is as the schemas say', () => {
    assert.ok(lines.length > 10)
    for (const { from, message } of lines) assert.equal(problemOf(from, message), undefined, JSON.stringify(message))
  })

  function problemOf(from: string, message: Record<string, unknown>): string | undefined {
    if (!('method' in message)) return problemOfResponse(message)
    const name = String(message.method)
    if (!('id' in message)) {
      const notification = notificationSchemas[name]
      if (notification?.from !== from) return `the ${from} does not send it`
      return notification.params?.safeParse(message.params).error?.message
    }
    asked.set(message.id, name)
    return (
      schemas.rpcRequest.safeParse(message).error?.message ??
      methodOf(name)?.params?.safeParse(message.params).error?.message
    )
  }

  function problemOfResponse(message: Record<string, unknown>): string | undefined {
    const problem = schemas.rpcResponse.safeParse(message).error?.message
    if (problem !== undefined || 'error' in message) return problem
    const { result } = methodOf(asked.get(message.id) ?? '') ?? {}
    if (!result) return message.result === null ? undefined : 'the result is not null'
    return result.safeParse(message.result).error?.message
  }

  function methodOf(name: string) {
    return Object.entries(methodSchemas).find(([known]) => known === name)?.[1]
  }
})

test('errors.md has a line for every code', () => {
  const text = toErrorsMarkdown()
  for (const code of Object.keys(errorTable)) assert.ok(text.includes(`| \`${code}\` | `), code)
})
