import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { isLmappError } from 'lmapp-kit'
import { requirements } from 'lmapp-kit/testkit'
import { fixtureSettings, toManifest } from './fixtures/manifest.ts'
import { lineRequirements, pluginRequirements } from './requirements.ts'
import { describeFailure, type PluginVerdict } from './verdict.ts'
import { type VerifyPluginOptions, verifyPlugin } from './verify-plugin.ts'

const directory = join(import.meta.dirname, 'fixtures')

function begin(options: Partial<VerifyPluginOptions> = {}): AsyncGenerator<PluginVerdict> {
  const settings = { ...fixtureSettings, ...options.settings }
  return verifyPlugin({ directory, manifest: toManifest(), environment: process.env, ...options, settings })
}

async function judge(options: Partial<VerifyPluginOptions>): Promise<Record<string, PluginVerdict['outcome']>> {
  const outcomes: Record<string, PluginVerdict['outcome']> = {}
  for await (const { requirement, outcome } of begin(options)) outcomes[requirement.id] = outcome
  return outcomes
}

async function only(id: string, options: Partial<VerifyPluginOptions> = {}): Promise<PluginVerdict> {
  const [verdict] = await Array.fromAsync(begin({ ...options, only: [id] }))
  assert.ok(verdict)
  return verdict
}

function reasonOf(verdict: PluginVerdict): string {
  if ('error' in verdict) return describeFailure(verdict.error)
  return 'reason' in verdict ? verdict.reason : ''
}

/** A place for temporary files where nobody else makes any. */
const place = mkdtempSync(join(tmpdir(), 'lmapp-judge-'))
process.env.TMPDIR = place
afterEach(() => assert.deepEqual(readdirSync(place), [], 'The judge left files behind.'))
after(() => rmSync(place, { recursive: true }))

describe('the requirements of a plugin', () => {
  it('have ids and titles of their own, those of the line first', () => {
    assert.equal(pluginRequirements.length, lineRequirements.length + requirements.length)
    assert.equal(new Set(pluginRequirements.map(({ id }) => id)).size, pluginRequirements.length)
    assert.equal(new Set(lineRequirements.map(({ title }) => title)).size, lineRequirements.length)
    assert.equal(pluginRequirements[0]?.id, 'manifest.readable')
  })
})

describe('a plugin that is right', () => {
  it('passes every requirement, in their order', { timeout: 60_000 }, async () => {
    const verdicts = await Array.fromAsync(begin())
    assert.deepEqual(
      verdicts.map(({ requirement }) => requirement.id),
      pluginRequirements.map(({ id }) => id),
    )
    const failed = verdicts.filter(({ outcome }) => outcome === 'failed')
    assert.deepEqual(
      failed.map((verdict) => `${verdict.requirement.id}: ${reasonOf(verdict)}`),
      [],
    )
    const passed = verdicts.filter(({ outcome }) => outcome === 'passed').map(({ requirement }) => requirement.id)
    const lines = lineRequirements.map(({ id }) => id).filter((id) => !passed.includes(id))
    assert.deepEqual(lines, [], 'Not applicable over the line')
    const others = verdicts.filter(({ outcome }) => outcome === 'not-applicable')
    const abilities =
      /^(continue|tools|json-schema|vision|reasoning|logprobs|embed|count-tokens|load|unload|pull|remove) is /
    const reasons = others.map((verdict) => reasonOf(verdict))
    assert.deepEqual(
      reasons.filter((reason) => !abilities.test(reason) && !reason.startsWith('the harness has no scenarios.')),
      [],
    )
  })

  it('is found by a program that only its own environment has', async () => {
    const manifest = { ...toManifest(), command: ['own-node', 'example.js'] }
    const programs = { 'own-node': process.execPath }
    assert.equal((await only('hello.answered', { manifest, programs })).outcome, 'passed')
    assert.equal((await only('info.identity', { manifest, programs })).outcome, 'passed')
    const verdict = await only('hello.answered', { manifest })
    assert.ok(verdict.outcome === 'failed' && isLmappError(verdict.error, 'backend-start-failed'))
  })
})

describe('what is judged', () => {
  it('is one requirement, or those of one group, over the line and as lmapp uses it', async () => {
    assert.deepEqual(Object.keys(await judge({ only: ['credit.error', 'info'] })), [
      'credit.error',
      'info.identity',
      'info.capabilities',
      'info.methods',
    ])
  })

  it('is refused when it is no requirement', async () => {
    await assert.rejects(judge({ only: ['chat.sings'] }), { code: 'bad-input' })
  })
})

describe('a manifest', () => {
  it('of another interface version, platform or way of running is judged no further', async () => {
    const wrong = [
      ['manifest.interface-version', { interface_version: '2.0' }],
      ['manifest.runs-here', { platforms: ['plan9-mips'] }],
      ['manifest.runs-here', { execution: 'grpc', address: 'unix:/nowhere' }],
    ] as const
    for (const [id, extra] of wrong) {
      const manifest = { ...toManifest(), ...(extra as object) }
      const outcomes = await judge({ manifest })
      const failed = Object.keys(outcomes).filter((key) => outcomes[key] === 'failed')
      assert.deepEqual(failed, [id])
      assert.equal(outcomes['hello.answered'], 'not-applicable')
      assert.equal(outcomes['chat.one-finish'], 'not-applicable')
    }
  })

  it('must list the methods of its capabilities, and no others', async () => {
    const lacking = { ...toManifest(), capabilities: { embed: 'yes' as const } }
    assert.match(reasonOf(await only('manifest.methods', { manifest: lacking })), /embed is yes/)
    const tooMany = { ...toManifest(), capabilities: { pull: 'no' as const } }
    assert.match(reasonOf(await only('manifest.methods', { manifest: tooMany })), /pull is no/)
  })

  it('must satisfy the schema', async () => {
    const manifest = { ...toManifest(), capabilities: { parallel: 0 } }
    assert.match(reasonOf(await only('manifest.readable', { manifest })), /capabilities\.parallel/)
  })
})

describe('a plugin that cannot be asked', () => {
  it('fails once; what needs its answers does not apply', async () => {
    const timeouts = { helloMs: 200 }
    const outcomes = await judge({ manifest: toManifest('mute'), timeouts })
    const failed = Object.keys(outcomes).filter((id) => outcomes[id] === 'failed')
    assert.deepEqual(failed, ['hello.answered'])
    assert.equal(outcomes['info.identity'], 'not-applicable')
  })

  it('fails as lmapp would use it, when only that is judged', async () => {
    const manifest = toManifest('ends-without-response')
    const outcomes = await judge({ manifest, settings: { deadlineMs: 300 }, only: ['info'] })
    assert.deepEqual(Object.values(outcomes), ['failed', 'not-applicable', 'not-applicable'])
  })

  it('fails when it lists no model, and none is named', async () => {
    const manifest = { ...toManifest(), command: ['node', '-e', script('models = []')] }
    assert.match(reasonOf(await only('wire.chat', { manifest })), /lists no model/)
    const named = await only('wire.chat', { manifest, settings: { model: 'story' } })
    assert.match(reasonOf(named), /model-not-found/)
  })

  it('keeps what was seen on its line although nothing more can be judged', async () => {
    const body = "start() { console.log('Welcome!') } chat() { return new Promise(() => {}) }"
    const manifest = { ...toManifest(), command: ['node', '-e', script(body)] }
    const outcomes = await judge({ manifest, settings: { deadlineMs: 300 }, only: ['wire'] })
    assert.equal(outcomes['wire.chat'], 'failed')
    assert.equal(outcomes['wire.only-messages'], 'failed')
    assert.equal(outcomes['wire.utf8'], 'not-applicable')
  })
})

describe('a plugin that gives no occasion', () => {
  it('because its answers are too short to be cut short', async () => {
    const manifest = { ...toManifest(), command: ['node', '-e', script("wordsFor() { return ['No.'] }")] }
    const verdict = await only('process.stdin-end-in-chat', { manifest })
    assert.equal(verdict.outcome, 'not-applicable', reasonOf(verdict))
  })

  it('because the same question is answered in several ways', async () => {
    const body = 'wordsFor() { return [Math.random() + " ", "and ", "so ", "on "] }'
    const manifest = { ...toManifest(), command: ['node', '-e', script(body)] }
    assert.equal((await only('busy.own-answers', { manifest })).outcome, 'not-applicable')
    assert.equal((await only('input.by-file', { manifest })).outcome, 'passed')
  })
})

describe('a skip', () => {
  const skip = [
    { requirement: 'wire.other-model', reason: 'it knows one model only' },
    { requirement: 'chat.max-tokens', reason: 'it cannot count' },
  ]

  it('keeps a known failure from failing, and tells its reason', async () => {
    const another = await only('wire.other-model', {
      manifest: toManifest('answers-for-another-model'),
      settings: { skip },
    })
    assert.ok(another.outcome === 'skipped' && another.reason === 'it knows one model only')
    const endless = await only('chat.max-tokens', { manifest: toManifest('ignores-max-tokens'), settings: { skip } })
    assert.ok(endless.outcome === 'skipped' && endless.reason === 'it cannot count')
  })

  it('fails when the requirement holds', async () => {
    for (const { requirement } of skip) {
      assert.match(reasonOf(await only(requirement, { settings: { skip } })), /remove the skip/)
    }
  })
})

describe('an end before the end', () => {
  for (const group of ['credit', 'chat']) {
    it(`by the signal, in the middle of ${group}, leaves no process and no file`, async () => {
      const stopping = new AbortController()
      const seen: string[] = []
      const reading = (async () => {
        for await (const { requirement } of begin({ only: [group], signal: stopping.signal })) {
          seen.push(requirement.id)
          setImmediate(() => stopping.abort(new Error('enough')))
        }
      })()
      await assert.rejects(reading, /enough/)
      assert.ok(seen.length >= 1 && seen.length < 5, String(seen))
    })
  }

  it('by the reader, who leaves', async () => {
    for await (const { outcome } of begin({ only: ['hello', 'info'] })) {
      assert.equal(outcome, 'passed')
      break
    }
  })

  it('by a signal that was given before', async () => {
    await assert.rejects(judge({ signal: AbortSignal.abort(new Error('no need')) }), /no need/)
  })
})

/** The example with one place bent. */
function script(body: string): string {
  const example = JSON.stringify(join(directory, 'example.js'))
  return `import(${example}).then(({ Example }) => new (class extends Example { ${body} })().run())`
}
