import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { errorTable } from '../errors/error-table.ts'
import { isLmappError } from '../errors/lmapp-error.ts'
import { parseRpcError } from '../protocol/rpc-error.ts'
import { parseTranscript, type Step, type Transcript } from '../transcripts/index.ts'

const specs = join(import.meta.dirname, '../../../../specs')
const read = (name: string) => readFileSync(join(specs, name), 'utf8')
const document = JSON.parse(read('backend-interface.json'))
const ajv = new Ajv2020({ strict: false, allErrors: false }).addSchema(document)

/** By a validator of someone else's, from the file as it is published. */
function problemOf(reference: string, value: unknown): string | undefined {
  const validate = ajv.getSchema(`${document.$id}#${reference}`) ?? assert.fail(`Nothing is at ${reference}`)
  return validate(value) ? undefined : ajv.errorsText(validate.errors)
}

type Json = ReturnType<typeof JSON.parse>

/** Messages of both sides, in order. A result is held against the method that it answers. */
function createJudge(): (side: 'host' | 'plugin', message: Json) => string | undefined {
  const asked = new Map<unknown, string>()
  return (side, message) => {
    if (message.method === undefined) {
      const method = asked.get(message.id)
      if ('result' in message)
        return problemOf('/$defs/PluginMessage', message) ?? problemOf(`/methods/${method}/result`, message.result)
    } else if (message.id !== undefined) {
      asked.set(message.id, message.method)
    }
    return problemOf(side === 'host' ? '/$defs/HostMessage' : '/$defs/PluginMessage', message)
  }
}

/** `→` and `←` with their messages. */
function exchangeOf(markdown: string): { side: 'host' | 'plugin'; message: Json }[] {
  return [...markdown.matchAll(/^([→←]) (\{.*\})$/gmu)].map(([, arrow, line = '']) => ({
    side: arrow === '→' ? 'host' : 'plugin',
    message: JSON.parse(line),
  }))
}

const files = globSync(`${specs}/transcripts/*.ndjson`).sort()
const transcripts = files.map((file) => {
  const text = readFileSync(file, 'utf8').replaceAll('"<any>"', '0')
  return parseTranscript(
    text.replaceAll(/\{"\$file":"[^"]*"\}/g, JSON.stringify({ file: 'f', bytes: 1, sha256: 'a'.repeat(64) })),
    file,
  )
})

describe('specs/transcripts', () => {
  for (const transcript of transcripts) {
    test(`${transcript.name} has nothing but messages of the schema`, () => {
      const judge = createJudge()
      for (const step of transcript.steps) {
        if (step.kind !== 'host' && step.kind !== 'plugin') continue
        const problem = judge(step.kind, step.message)
        const isWrong = step.kind === 'host' && isAnsweredBy(transcript, step, ['bad-input', 'method-not-found'])
        if (!isWrong) assert.equal(problem, undefined, `line ${step.line}: ${JSON.stringify(step.message)}`)
        else if (step.message.method !== 'embed' && step.message.method !== 'load_model')
          assert.ok(problem, `line ${step.line}`)
      }
    })
  }

  function isAnsweredBy({ steps }: Transcript, { message }: Step & { kind: 'host' }, codes: string[]): boolean {
    const answer: Json = steps.find(
      (step) => step.kind === 'plugin' && step.about === 'response' && step.id === message.id,
    )
    return answer?.message.error !== undefined && codes.includes(answer.message.error.data.code)
  }

  test('never has more parts than there is credit for, and ends every error with the number of its code', () => {
    for (const { name, steps } of transcripts) {
      const credit = new Map<unknown, number>()
      for (const step of steps) {
        const { id, method, params, error }: Json = 'message' in step ? step.message : {}
        if (method === 'chat') credit.set(id, params?.credit)
        if (method === 'credit') credit.set(params.id, (credit.get(params.id) ?? 0) + params.parts)
        if (method === 'parts') credit.set(params.id, (credit.get(params.id) ?? 0) - params.parts.length)
        for (const left of credit.values()) assert.ok(!(left < 0), `${name}:${step.line}`)
        if (error) assert.equal(error.code, errorTable[error.data.code as keyof typeof errorTable].rpc)
      }
    }
  })

  test('are named as they are called, and all told of in README.md', () => {
    const names = files.map((file) => basename(file, '.ndjson'))
    assert.deepEqual(
      transcripts.map(({ name }) => name),
      names,
    )
    const [, table = ''] = read('transcripts/README.md').split('## The files')
    const told = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name),
    )
    assert.deepEqual(told.sort(), names)
  })
})

describe('lifecycle.md', () => {
  const markdown = read('lifecycle.md')
  const [manifest, config] = [...markdown.matchAll(/```json\n(.*?)```/gs)].map(([, json = '']) => JSON.parse(json))

  test('shows a manifest that is one, and a configuration that its schema takes', () => {
    assert.equal(problemOf('/$defs/Manifest', manifest), undefined)
    const validate = ajv.compile(manifest.config_schema)
    assert.ok(validate(config.backends[manifest.name].config))
    assert.ok(!validate({ greting: 'Hello' }))
  })

  test('shows an exchange of nothing but messages of the schema', () => {
    const judge = createJudge()
    const exchange = exchangeOf(markdown)
    assert.ok(exchange.length > 10)
    for (const { side, message } of exchange) {
      if (message.method !== 'dance') assert.equal(judge(side, message), undefined, JSON.stringify(message))
    }
  })

  test('leads to files that are there', () => {
    for (const [, target = ''] of markdown.matchAll(/\]\(([^)]+)\)/g)) assert.ok(read(target).length > 0)
  })
})

describe('errors.md', () => {
  test('shows an error as it is on the line, and what a user sees of it', () => {
    const markdown = read('errors.md')
    const judge = createJudge()
    const exchange = exchangeOf(markdown)
    assert.equal(exchange.length, 2)
    for (const { side, message } of exchange) assert.equal(judge(side, message), undefined)
    const error = parseRpcError(exchange[1]?.message.error)
    assert.ok(isLmappError(error, 'context-overflow'))
    const shown = /```text\n(.*?)\n```\n\nand the exit code is (\d+)/s.exec(markdown)
    assert.equal(shown?.[1], `lmapp: ${error.message}\n  ${error.hint}`)
    assert.equal(Number(shown?.[2]), error.entry.exit)
    assert.equal(error.entry.retryable || error.entry.trips, false)
  })
})

describe('backend-interface.json', () => {
  test('refuses manifests that lack a method, or what their execution needs', () => {
    const manifest = JSON.parse(/```json\n(.*?)```/s.exec(read('lifecycle.md'))?.[1] ?? '')
    const problem = (more: object) => problemOf('/$defs/Manifest', { ...manifest, ...more }) ?? ''
    assert.match(problem({ methods: ['start', 'chat'] }), /methods must contain/)
    assert.match(problem({ execution: 'grpc' }), /must have required property 'address'/)
    assert.match(problem({ execution: 'ffi' }), /must have required property 'library'/)
    assert.match(problem({ command: [] }), /command must NOT have fewer/)
    assert.equal(problem({ execution: 'grpc', address: 'unix:/x' }), '')
  })

  test('describes every line: each method and notification is in one of the two kinds of message', () => {
    const methodsIn = (kind: string) =>
      document.$defs[kind].anyOf.flatMap(({ properties: { method } }: Json) => (method ? [method.const] : []))
    const from = (side: string) =>
      Object.entries<Json>(document.notifications).flatMap(([name, { from }]) => (from === side ? [name] : []))
    assert.deepEqual(methodsIn('HostMessage'), [...Object.keys(document.methods), ...from('host')])
    assert.deepEqual(methodsIn('PluginMessage'), from('plugin'))
  })
})
