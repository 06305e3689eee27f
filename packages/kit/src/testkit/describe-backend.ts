import type { BackendHarness } from './harness.ts'
import { requirements } from './requirements.ts'
import { Suite } from './suite.ts'

/** What is used of a test runner: node's own has it, Vitest has it with `after: afterAll`. */
export interface TestRunner {
  describe(name: string, define: () => void): unknown
  it(name: string, prove: (context: { skip(reason?: string): void }) => Promise<void>): unknown
  after(close: () => Promise<void>): unknown
}

/** A test for each requirement. Await it at the top of a test file. Default runner: `node:test`. */
export async function describeBackend(harness: BackendHarness, runner?: TestRunner): Promise<void> {
  const { describe, it, after } = runner ?? (await import('node:test'))
  describe(harness.name, () => {
    const suite = new Suite(harness)
    after(() => suite[Symbol.asyncDispose]())
    for (const requirement of requirements) {
      it(`${requirement.id}: ${requirement.title}`, async (context) => {
        const verdict = await suite.prove(requirement)
        switch (verdict.outcome) {
          case 'passed':
            return
          case 'failed':
            throw verdict.error
          case 'skipped':
            return context.skip(verdict.reason)
          case 'not-applicable':
            return context.skip(`not applicable: ${verdict.reason}`)
          default:
            verdict satisfies never
        }
      })
    }
  })
}
