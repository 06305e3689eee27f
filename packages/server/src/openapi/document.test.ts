import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { dialects } from '../routes/dialects.ts'
import { startTestService, type TestService } from '../testing/test-app.ts'
import { createDocument, type OpenApiDocument, type Operation } from './document.ts'

const document = createDocument(dialects, '1.2.3')
const operations = operationsOf(document)

function operationsOf({ paths }: OpenApiDocument): (Operation & { place: string })[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, place: `${method} ${path}` })),
  )
}

describe('the document', () => {
  it('has every route once, under a name of its own', () => {
    const routes = dialects.flatMap((dialect) => dialect.routes)
    assert.equal(operations.length, routes.length)
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, routes.length)
  })

  it('says in words what each name of a path, of a query and each answer is', () => {
    for (const { place, summary, parameters = [], responses } of operations) {
      assert.match(summary, /\S/, place)
      for (const { name, description } of parameters) assert.match(description, /\S/, `${place}: ${name}`)
      for (const { description } of Object.values(responses)) assert.match(description, /\S/, place)
      const named = [...place.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const told = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)
      assert.deepEqual(told, named, place)
    }
  })

  it('has a schema for whatever is answered, that JSON Schema knows', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    ajv.addSchema(document, 'document')
    for (const { place, responses } of operations) {
      for (const [status, { content = {} }] of Object.entries(responses)) {
        const isSilent = status === '204' || /delete|copy/.test(place)
        assert.ok(isSilent || Object.keys(content).length > 0, `${place} ${status}`)
        for (const { schema } of Object.values(content)) {
          if (schema.$ref === undefined) ajv.compile(schema)
          else assert.ok(ajv.getSchema(`document${schema.$ref}`), place)
        }
      }
    }
  })

  it('says of a stream what its events are, and what the last one is', () => {
    const chat = document.paths['/v1/chat/completions']?.post
    const event = chat?.responses['200']?.content?.['text/event-stream']?.schema as {
      properties: { data: { anyOf: [{ contentMediaType: string; contentSchema: object }, { const: string }] } }
    }
    const [data, last] = event.properties.data.anyOf
    assert.equal(data.contentMediaType, 'application/json')
    assert.equal(last.const, '[DONE]')
  })

  it('needs a key for what is not for guests', () => {
    const free = document.security
    assert.deepEqual(free, [{}, { bearer: [] }, { apiKey: [] }])
    const { get: keys } = document.paths['/lmapp/v1/keys'] ?? {}
    assert.deepEqual(keys?.security, free.slice(1))
    assert.equal(document.paths['/v1/chat/completions']?.post?.security, undefined)
  })

  it('has one example for each dialect at least, which its route takes', () => {
    const routes = dialects.flatMap(({ name, routes }) =>
      routes.filter(({ doc }) => doc.example !== undefined).map((route) => ({ name, route })),
    )
    assert.deepEqual(new Set(routes.map(({ name }) => name)), new Set(dialects.map(({ name }) => name)))
    for (const { route } of routes) route.body?.(route.doc.example, '')
  })
})

describe('the service', () => {
  it('gives it to everybody', async () => {
    await using service = await startTestService()
    const answer = await fetch(`${service.address}/openapi.json`)
    const { version } = service.app
    assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8')
    assert.deepEqual(await answer.json(), JSON.parse(JSON.stringify(createDocument(dialects, version))))
  })
})

describe('the page', () => {
  let service: TestService
  before(async () => {
    service = await startTestService()
  })
  after(() => service[Symbol.asyncDispose]())

  const read = async () => {
    const answer = await fetch(`${service.address}/docs`)
    return { answer, page: await answer.text() }
  }

  it('has every route, its fields with their words, and what to type into a shell', async () => {
    const { answer, page } = await read()
    assert.match(answer.headers.get('content-type') ?? '', /^text\/html/)
    for (const { operationId } of operations) assert.ok(page.includes(`<details id="${operationId}">`), operationId)
    assert.match(page, /<code>max_tokens<\/code> <i>integer or null<\/i> Of generated tokens; -1: no bound\./)
    assert.ok(page.includes(`curl -X POST ${service.address}/v1/messages`))
    assert.equal(page.match(/<pre>curl /g)?.length, 4)
  })

  it('runs nothing and loads nothing', async () => {
    const { answer, page } = await read()
    assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
    assert.doesNotMatch(page, /<script|<link|<img|https?:\/\/(?!127\.0\.0\.1)/)
  })

  it('opens and closes its tags in order', async () => {
    const { page } = await read()
    const open: string[] = []
    for (const [, slash, name = ''] of page.matchAll(/<(\/?)(\w+)[^>]*>/g)) {
      if (name === 'meta') continue
      if (slash === '') open.push(name)
      else assert.equal(open.pop(), name)
    }
    assert.deepEqual(open, [])
  })
})
