import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { errorTable } from '../errors/error-table.ts'
import { optionalMethods, requiredMethods } from '../manifest.ts'
import * as schemas from './index.ts'
import { methodSchemas, notificationSchemas } from './methods.ts'
import { toBackendInterface, toErrorsMarkdown, toTroubleshootingMarkdown } from './specs.ts'

const root = new URL('../../../../', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, root), 'utf8')

describe('the files that are made', () => {
  const advice = 'The contract changed: run `npm run specs` and look at the difference.'
  test('specs/backend-interface.json is what the schemas say', () => {
    assert.ok(read('specs/backend-interface.json') === toBackendInterface(), advice)
  })
  test('specs/errors.md is what the table says', () => {
    assert.ok(read('specs/errors.md') === toErrorsMarkdown(), advice)
  })
  test('docs/troubleshooting.md is what the table says', () => {
    assert.ok(read('docs/troubleshooting.md') === toTroubleshootingMarkdown(), advice)
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
    const messages = ['HostMessage', 'PluginMessage']
    assert.equal(Object.keys(document.$defs).length, Object.keys(schemas).length + messages.length)
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
  const lines = [...read('specs/lifecycle.md').matchAll(/^([→←]) (\{.*\})$/gmu)].map(([, from, line]) => ({
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

describe('troubleshooting.md', () => {
  const text = toTroubleshootingMarkdown()
  const sections = [...text.matchAll(/^## .* \(exit (\d+)\)\n([\s\S]*?)(?=^## |(?![\s\S]))/gm)]

  test('tells of every code once, below its exit code: what is seen, why, what lmapp does, what to do', () => {
    const told = sections.flatMap(([, exit, body = '']) =>
      [...body.matchAll(/^### ([a-z-]+)\n\n([\s\S]*?)(?=^### |(?![\s\S]))/gm)].map(([, code = '', item = '']) => {
        for (const part of ['**You see** `lmapp: ', '**Why.** ', '**lmapp by itself.** ', '**You.** ']) {
          assert.equal(item.split(part).length, 2, `${code}: ${part}`)
        }
        return `${code} ${exit}`
      }),
    )
    const known = Object.entries(errorTable).map(([code, { exit }]) => `${code} ${exit}`)
    assert.deepEqual(told.sort(), known.sort())
  })

  test('has links that lead to its headings', () => {
    const headings = sections.map(([heading]) =>
      heading
        .slice(3, heading.indexOf('\n'))
        .toLowerCase()
        .replaceAll(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    const links = [...text.matchAll(/\]\(#(.*?)\)/g)].map(([, anchor]) => anchor)
    assert.deepEqual(links, headings)
  })

  test('marks what is typed', () => {
    assert.match(text, /Start the engine, then: `lmapp doctor`\./)
    assert.match(text, /or less context: `-o num_ctx=N`\./)
    assert.match(text, /Say yes beforehand with `--yes`\./)
    assert.doesNotMatch(text, /\*\*You\.\*\*.*: lmapp /)
  })
})
