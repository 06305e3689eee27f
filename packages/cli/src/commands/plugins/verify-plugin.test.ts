import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isLmappError } from 'lmapp-kit'
import type { Arguments } from '../../arguments/parse-arguments.ts'
import { reportFailure } from '../../output/print-error.ts'
import { createTestContext } from '../../testing/test-context.ts'
import { verifyPluginCommand } from './verify-plugin.ts'

const fixtures = fileURLToPath(import.meta.resolve('../../../../backends/src/verify/fixtures/'))
const place = mkdtempSync(join(tmpdir(), 'lmapp-verify-command-'))
after(() => rmSync(place, { recursive: true }))

interface Wanted {
  path: string
  only?: string[]
  json?: true
  model?: string
}

function begin({ path, only = [], json, model }: Wanted) {
  const context = createTestContext({ directory: place, environment: process.env })
  const args: Arguments = {
    operands: [path],
    has: (option) => option === 'json' && json === true,
    value: (option) => (option === 'model' ? model : undefined),
    values: (option) => (option === 'only' ? only : []),
  }
  const ended = verifyPluginCommand(context, args).catch((error) => {
    assert.ok(isLmappError(error), String(error))
    return reportFailure(context.stderr, error, {})
  })
  return { context, ended }
}

async function run(wanted: Wanted): Promise<{ code: number; stdout: string; stderr: string }> {
  const { context, ended } = begin(wanted)
  return { code: await ended, stdout: context.stdout.text, stderr: context.stderr.text }
}

function makePlugin(name: string, script: string, files: Record<string, string> = {}): void {
  mkdirSync(join(place, name))
  const manifest = {
    ...{ name, version: '0.1.0', language: 'node', interface_version: '1.0', execution: 'subprocess' },
    methods: ['start', 'stop', 'is_running', 'chat', 'list_models', 'get_info', 'pull_model', 'remove_model'],
    command: ['node', join(fixtures, script)],
  }
  for (const [file, text] of Object.entries({ 'lmapp-backend.json': JSON.stringify(manifest), ...files })) {
    writeFileSync(join(place, name, file), text)
  }
}

makePlugin('right', 'example.js')
makePlugin('wrong', 'wrong/reuses-sequence-numbers.js')
makePlugin('skipping', 'wrong/reuses-sequence-numbers.js', {
  'lmapp-verify.json': '{ "skip": [{ "requirement": "wire.sequence", "reason": "it counts later" }] }',
})
makePlugin('unsettled', 'example.js', { 'lmapp-verify.json': '{\n "modle": "echo" }' })
makePlugin('broken', 'example.js', { 'lmapp-backend.json': '{\n "name": 7 }' })

describe('lmapp backends verify', () => {
  it('says a line for each requirement and how many hold, and ends with 0 for a plugin that is right', async () => {
    const { code, stdout, stderr } = await run({ path: 'right', only: ['wire.sequence', 'info', 'load.ready'] })
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(
      stdout.split('\n').map((line) => line.replace(/ +/g, ' ')),
      [
        'ok wire.sequence The parts of a chat are numbered 1, 2, 3 …',
        'ok info.identity It names itself, its version and an interface version 1.x',
        'ok info.capabilities Its capabilities are yes, no or unknown, and chat is not no',
        'ok info.methods Each optional method whose capability is yes is there',
        '- load.ready After a load, health shows the model as ready (load is no)',
        '',
        '4 passed, 0 failed, 0 skipped, 1 not applicable.',
        '',
      ],
    )
  })

  it('says why a requirement does not hold, and ends with 5', async () => {
    const { code, stdout } = await run({ path: join('wrong', 'lmapp-backend.json'), only: ['wire.sequence'] })
    assert.equal(code, 5)
    assert.match(stdout, /^FAIL wire\.sequence .*\n {5}Parts came with the number 1, where 2 was due\./)
    assert.match(stdout, /\n0 passed, 1 failed, 0 skipped/)
  })

  it('says what is skipped, and why', async () => {
    const { code, stdout } = await run({ path: 'skipping', only: ['wire.sequence'] })
    assert.equal(code, 0)
    assert.match(stdout, /^skip wire\.sequence .*\(it counts later\)/)
  })

  it('asks the model that is named', async () => {
    const { code, stdout } = await run({ path: 'right', only: ['errors.not-fatal'], model: 'nobody' })
    assert.equal(code, 5)
    assert.match(stdout, /model-not-found/)
  })

  it('tells a program one object a line, and a summary', async () => {
    const { code, stdout } = await run({ path: 'wrong', only: ['wire.sequence', 'wire.utf8'], json: true })
    const lines = stdout.trimEnd().split('\n')
    assert.equal(code, 5)
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)).map(({ error, ...line }) => ({ ...line, ...(error && { error: 'one' }) })),
      [
        { requirement: 'wire.utf8', title: 'Every line is UTF-8', outcome: 'passed' },
        {
          requirement: 'wire.sequence',
          title: 'The parts of a chat are numbered 1, 2, 3 …',
          outcome: 'failed',
          error: 'one',
        },
        { type: 'summary', passed: 1, failed: 1, skipped: 0, notApplicable: 0 },
      ],
    )
    const typed = await run({ path: 'right', only: ['errors.not-fatal'], model: 'nobody', json: true })
    assert.match(typed.stdout, /"outcome":"failed","error":\{"message"/)
  })

  it('judges what was installed by its record', async () => {
    const folder = join(place, 'installed')
    mkdirSync(folder)
    makePlugin(join('installed', 'package'), 'example.js')
    const manifest = join(folder, 'package', 'lmapp-backend.json')
    const own = { name: 'right', version: '1', language: 'node', interface_version: '1.0', execution: 'subprocess' }
    const methods = ['start', 'stop', 'is_running', 'chat', 'list_models', 'get_info']
    writeFileSync(manifest, JSON.stringify({ ...own, methods, command: ['own-node', join(fixtures, 'example.js')] }))
    symlinkSync(process.execPath, join(folder, 'program'))
    const record = {
      ...{ format: 1, name: 'right', version: '1', sha256: '0'.repeat(64), directory: 'package' },
      source: { kind: 'folder', from: '/somewhere' },
      programs: { 'own-node': 'program' },
      installedAt: '2025-01-01T00:00:00.000Z',
    }
    writeFileSync(join(folder, 'install.json'), JSON.stringify(record))
    const { code, stderr, stdout } = await run({ path: 'installed', only: ['hello.answered'] })
    assert.equal(code, 0, stderr + stdout)
  })

  it('refuses what is no plugin, and what is broken, with 2', async () => {
    const missing = await run({ path: 'nowhere' })
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /no lmapp-backend\.json in .*nowhere[\s\S]*lmapp backends new/)
    const broken = await run({ path: 'broken' })
    assert.equal(broken.code, 2)
    assert.match(broken.stderr, /lmapp-backend\.json:2: "name"[\s\S]*Correct it; docs\/plugins\.md/)
    const unsettled = await run({ path: 'unsettled' })
    assert.equal(unsettled.code, 2)
    assert.match(unsettled.stderr, /lmapp-verify\.json:2: "modle"/)
  })

  it('refuses an unknown requirement, and names the nearest', async () => {
    const near = await run({ path: 'right', only: ['chat.one-finsh'] })
    assert.equal(near.code, 2)
    assert.match(near.stderr, /"chat\.one-finsh"[\s\S]*Did you mean "chat\.one-finish"\?/)
    const far = await run({ path: 'right', only: ['xyzzy-and-more'] })
    assert.match(far.stderr, /See them all/)
  })

  it('is stopped by Ctrl-C', async () => {
    const { context, ended } = begin({ path: 'right' })
    await context.stdout.until(/wire\.chat/)
    context.send('SIGINT')
    assert.equal(await ended, 130)
    assert.match(context.stderr.text, /Stopped/)
  })

  it('ends when nobody reads on', async () => {
    const { context, ended } = begin({ path: 'right' })
    await context.stdout.until(/hello\.answered/)
    context.stdout.break('EPIPE')
    assert.equal(await ended, 0)
  })
})
