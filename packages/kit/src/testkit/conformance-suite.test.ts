import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLmappError } from '../errors/lmapp-error.ts'
import { describeBackend } from './describe-backend.ts'
import { createMockHarness } from './fixtures/mock-harness.ts'
import { createBareBackend, createPretender, createUncertain } from './fixtures/other-backends.ts'
import { wrongBackends } from './fixtures/wrong-backends.ts'
import type { BackendHarness } from './harness.ts'
import { proofs } from './proofs/all-proofs.ts'
import { type RequirementId, requirements } from './requirements.ts'
import type { Verdict } from './suite.ts'
import { verifyBackend } from './verify-backend.ts'

describe('the requirements', () => {
  it('each have one proof, and no proof is without requirement', () => {
    assert.deepEqual(Object.keys(proofs).sort(), requirements.map(({ id }) => id).sort())
  })

  it('each have an id and a title of their own', () => {
    assert.equal(new Set(requirements.map(({ id }) => id)).size, requirements.length)
    assert.equal(new Set(requirements.map(({ title }) => title)).size, requirements.length)
  })

  it('each catch a wrong backend, unless another one does it for them', () => {
    const catching = new Set<string>(wrongBackends.map(({ caughtBy }) => caughtBy))
    const left = requirements.map(({ id }) => id).filter((id) => !catching.has(id) && !id.endsWith('.declined'))
    assert.deepEqual(left, [])
  })
})

describe('a wrong backend is caught by the requirement meant for it', () => {
  for (const { title, caughtBy, open } of wrongBackends) {
    it(`${caughtBy}: a backend that ${title}`, async () => {
      const verdict = await judge(createMockHarness({ open: async () => open(), deadlineMs: 100 }), caughtBy)
      assert.ok(verdict.outcome === 'failed', `It was found ${verdict.outcome}.`)
      assert.ok(!(verdict.error instanceof TypeError), String(verdict.error))
    })
  }
})

describe('what a backend says that it cannot do', () => {
  const declined = requirements.map(({ id }) => id).filter((id) => id.endsWith('.declined'))

  it('may be missing altogether', async () => {
    const harness = createMockHarness({ open: async () => createBareBackend(), model: 'plain' })
    const outcomes = await judgeAll(harness, declined)
    assert.deepEqual([...new Set(outcomes)], ['passed'])
  })

  for (const id of declined.filter((name) => name !== 'reasoning.declined')) {
    it(`${id}: is not done nevertheless`, async () => {
      const harness = createMockHarness({ open: async () => createPretender(), model: 'able' })
      assert.equal((await judge(harness, id)).outcome, 'failed')
    })
  }
})

describe('a skip', () => {
  const brokenHarness = (skip: BackendHarness['skip']) =>
    createMockHarness({ prompts: { short: '' }, model: 'drop', ...(skip && { skip }) })

  it('keeps a known failure from failing, and tells its reason', async () => {
    const skip = [{ requirement: 'chat.one-finish' as const, reason: 'the engine drops every stream' }]
    const verdict = await judge(brokenHarness(skip), 'chat.one-finish')
    assert.ok(verdict.outcome === 'skipped')
    assert.equal(verdict.reason, 'the engine drops every stream')
    assert.ok(isLmappError(verdict.error, 'stream-incomplete'))
  })

  it('fails when the requirement holds', async () => {
    const skip = [{ requirement: 'chat.one-finish' as const, reason: 'it used to fail' }]
    const verdict = await judge(createMockHarness({ skip }), 'chat.one-finish')
    assert.ok(verdict.outcome === 'failed')
    assert.match(String(verdict.error), /remove the skip/)
  })

  it('fails without a reason', async () => {
    const skip = [{ requirement: 'chat.one-finish' as const, reason: ' ' }]
    assert.equal((await judge(brokenHarness(skip), 'chat.one-finish')).outcome, 'failed')
  })

  it('is refused when it names no requirement', async () => {
    const skip = [{ requirement: 'chat.sings' as RequirementId, reason: 'it hums' }]
    await assert.rejects(judge(createMockHarness({ skip }), 'info.identity'), { code: 'bad-input' })
  })
})

describe('a requirement', () => {
  it('does not apply where the harness has nothing to show it with', async () => {
    const { scenarios: _, ...harness } = createMockHarness()
    const verdict = await judge(harness, 'fault.drop')
    assert.ok(verdict.outcome === 'not-applicable')
    assert.match(verdict.reason, /scenarios\.drop/)
  })

  it('does not apply where the model is not known to be able, and the harness does not name it', async () => {
    const open = async () => createUncertain()
    assert.equal((await judge(createMockHarness({ open }), 'vision.read')).outcome, 'not-applicable')
    assert.equal((await judge(createMockHarness({ open }), 'vision.declined')).outcome, 'not-applicable')
    assert.equal((await judge(createMockHarness({ open, visionModel: 'able' }), 'vision.read')).outcome, 'passed')
    assert.equal((await judge(createMockHarness({ open }), 'continue.exact')).outcome, 'passed')
  })

  it('fails when its deadline passes, also when the backend can no longer be disposed of', async () => {
    const never = () => new Promise<never>(() => {})
    const open = async () => ({ ...createBareBackend(), getInfo: never, [Symbol.asyncDispose]: never })
    const verdict = await judge(createMockHarness({ open, deadlineMs: 20 }), 'info.identity')
    assert.ok(verdict.outcome === 'failed')
    assert.match(String(verdict.error), /20 ms/)
  })

  it('fails alone: the next one is proved on a new backend', async () => {
    let opened = 0
    const open = async () => {
      opened += 1
      const bare = createBareBackend()
      return opened === 1 ? { ...bare, getInfo: () => Promise.reject(new Error('broken')) } : bare
    }
    const outcomes = await judgeAll(createMockHarness({ open, model: 'plain' }), ['info.identity', 'info.capabilities'])
    assert.deepEqual(outcomes, ['failed', 'passed'])
  })

  it('fails when the backend does not start', async () => {
    const open = async () => ({ ...createBareBackend(), start: () => Promise.reject(new Error('broken')) })
    assert.equal((await judge(createMockHarness({ open }), 'info.identity')).outcome, 'failed')
  })
})

describe('describeBackend', () => {
  it('makes a test of each requirement on any runner, and closes what it opened', async () => {
    const skip = [{ requirement: 'chat.natural-end' as const, reason: 'always dropped' }]
    const { scenarios: _, ...harness } = createMockHarness({ model: 'drop', skip })
    const tests = new Map<string, (context: { skip(reason?: string): void }) => Promise<void>>()
    let close = async () => {}
    await describeBackend(harness, {
      describe: (_name, define) => define(),
      it: (name, prove) => tests.set(name.split(':')[0] ?? '', prove),
      after: (closing) => {
        close = closing
      },
    })
    assert.equal(tests.size, requirements.length)
    const skips: unknown[] = []
    const context = { skip: (reason?: string) => skips.push(reason) }
    await tests.get('info.identity')?.(context)
    await tests.get('chat.natural-end')?.(context)
    await tests.get('fault.drop')?.(context)
    assert.deepEqual(skips, ['always dropped', 'not applicable: the harness has no scenarios.drop'])
    await assert.rejects(tests.get('chat.one-finish')?.(context) ?? Promise.resolve(), { code: 'stream-incomplete' })
    await close()
  })
})

async function judge(harness: BackendHarness, id: RequirementId): Promise<Verdict> {
  const [verdict] = await Array.fromAsync(verifyBackend(harness, { only: [id] }))
  assert.ok(verdict)
  return verdict
}

async function judgeAll(harness: BackendHarness, only: RequirementId[]): Promise<string[]> {
  const outcomes: string[] = []
  for await (const { outcome } of verifyBackend(harness, { only })) outcomes.push(outcome)
  return outcomes
}
