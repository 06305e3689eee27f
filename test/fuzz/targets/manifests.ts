import assert from 'node:assert/strict'
import { parseInstallation, parseManifest } from '@lmapp/backends/plugins'
import { parseVerifySettings } from '@lmapp/backends/verify'
import { isLmappError, type LmappError } from 'lmapp-kit'
import { manifest as manifestSchema } from 'lmapp-kit/schema'
import { JsonSyntaxError, parseJsonWithLines } from '../../../packages/backends/src/plugins/json-with-lines.ts'
import type { Random } from '../../soak/random.ts'
import { toJsonText, toNested } from '../json-grammar.ts'
import { mutateJson, mutateText } from '../mutate.ts'
import type { Input, OpenTarget, Target } from '../target.ts'

const manifest = {
  name: 'my-engine',
  version: '1.2.3',
  description: 'An "engine"',
  language: 'rust',
  interface_version: '1.0',
  methods: ['start', 'stop', 'is_running', 'chat', 'list_models', 'get_info', 'embed'],
  execution: 'subprocess',
  platforms: ['linux-x64'],
  command: ['./my-engine', '--quiet'],
  address: '127.0.0.1:5000',
  library: { 'linux-x64': './x.so' },
  capabilities: { chat: 'yes', parallel: 4, sing: 'unknown' },
  config_schema: { type: 'object', properties: { a: { type: 'string', enum: ['x', 1] } } },
}

const record = {
  format: 1,
  name: 'bee',
  version: '1.0.0',
  source: { kind: 'npm', from: 'lmapp-backend-bee', known: 'bee' },
  sha256: 'a1'.repeat(32),
  directory: 'plugin',
  programs: { python: 'venv/bin/python' },
  installedAt: '2026-01-01T00:00:00.000Z',
}

const settings = {
  model: 'echo',
  config: { depth: 3 },
  secrets: { apiKey: 'x' },
  prompts: { hello: 'Hi.' },
  unsupportedSetting: { name: 'topK', options: { topK: 3 } },
  skip: [{ requirement: 'chat.text', reason: 'x' }],
  deadlineMs: 1000,
}

/** The JSON reader of manifests: what `JSON.parse` takes and gives, and a line within the text for everything. */
export const json: Target = {
  name: 'json-with-lines',
  share: 0.1,
  open: async () => openParser(manifest, checkJson),
}

/** A manifest is taken as the schema describes it, or refused by file, line and what is wrong. */
export const manifests: Target = {
  name: 'manifest',
  share: 0.1,
  open: async () => openParser(manifest, checkManifest),
}

export const installations: Target = {
  name: 'installation',
  share: 0.04,
  open: async () => openParser(record, checkInstallation),
}

export const verifySettings: Target = {
  name: 'verify-settings',
  share: 0.03,
  open: async () => openParser(settings, checkVerifySettings),
}

function openParser(sample: unknown, check: OpenTarget['check']): OpenTarget {
  const pretty = JSON.stringify(sample, undefined, 2)
  return {
    create: (random) => [toSource(random, sample, pretty)],
    check,
    async [Symbol.asyncDispose]() {},
  }
}

function toSource(random: Random, sample: unknown, pretty: string): string {
  return random.oneOf([
    () => mutateJson(random, sample),
    () => mutateJson(random, sample).replaceAll(/(?<=[,{[])(?=")/g, '\n'),
    () => mutateText(random, pretty),
    () => toJsonText(random),
    () => mutateText(random, toJsonText(random)),
    () => (random.below(20) === 0 ? toNested(random, random.oneOf([100, 101, 102, 100_000])) : toJsonText(random)),
  ])()
}

function checkJson([text = '']: Input): void {
  const lineCount = text.split('\n').length
  let read: ReturnType<typeof parseJsonWithLines>
  try {
    read = parseJsonWithLines(text)
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    assert.ok(error.line >= 1 && error.line <= lineCount, `line ${error.line} of ${lineCount}`)
    if (!/nested deeper/.test(error.message)) assert.throws(() => JSON.parse(text), 'JSON.parse takes it')
    return
  }
  const value = JSON.parse(text)
  assert.deepEqual(read.value, value)
  assert.equal(JSON.stringify(read.value), JSON.stringify(value), 'the order of the names')
  for (const path of ['', 'name', 'capabilities.chat', 'methods.2', 'a.b.0', '__proto__', 'command.0.x']) {
    const line = read.lineOf(path)
    assert.ok(line >= 1 && line <= lineCount, `line ${line} of ${lineCount}`)
  }
}

function checkManifest([text = '']: Input): void {
  let read: ReturnType<typeof parseManifest>
  try {
    read = parseManifest(text, '/b/my/lmapp-backend.json')
  } catch (error) {
    assertRefused(error)
    assert.ok(Number(error.details?.line) >= 1)
    return
  }
  assert.ok(manifestSchema.safeParse(read).success, 'what was taken is not what the schema describes')
  structuredClone(read)
}

function checkInstallation([text = '']: Input): void {
  try {
    const { name, directory, programs = {} } = parseInstallation(text, '/i/bee/install.json')
    assert.match(name, /^[a-z0-9-]+$/)
    for (const path of [directory, ...Object.values(programs)]) assert.doesNotMatch(path, /^([/\\]|\.\.([/\\]|$))|\0/)
  } catch (error) {
    assertRefused(error)
  }
}

function checkVerifySettings([text = '']: Input): void {
  try {
    structuredClone(parseVerifySettings(text, '/b/my/lmapp-verify.json'))
  } catch (error) {
    assertRefused(error)
  }
}

function assertRefused(error: unknown): asserts error is LmappError {
  assert.ok(isLmappError(error, 'config-invalid'), error instanceof Error ? error.stack : String(error))
  assert.ok(error.message.length < 1000, 'the message is as long as the text')
  JSON.stringify(error.toData())
}
