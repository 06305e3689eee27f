import type { BackendHarness } from './harness.ts'
import { type RequirementId, requirements } from './requirements.ts'
import { Suite, type Verdict } from './suite.ts'

/**
 * Judges a backend without any test runner: a verdict for each requirement, in order.
 * `only`: these requirements. Throws `bad-input` when the harness skips what is no requirement.
 */
export async function* verifyBackend(
  harness: BackendHarness,
  options: { only?: readonly RequirementId[] } = {},
): AsyncGenerator<Verdict> {
  await using suite = new Suite(harness)
  for (const requirement of requirements) {
    if (options.only === undefined || options.only.includes(requirement.id)) yield await suite.prove(requirement)
  }
}
