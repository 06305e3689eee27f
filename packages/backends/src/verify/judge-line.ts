import type { Judge } from './judge.ts'
import { NotApplicable } from './not-applicable.ts'
import { proofs } from './proofs/all-proofs.ts'
import type { LineRequirementId, PluginRequirement } from './requirements.ts'
import type { PluginVerdict } from './verdict.ts'

type LineRequirement = PluginRequirement & { id: LineRequirementId }

/** One requirement of the manifest or of the line. */
export async function judgeLine(judge: Judge, requirement: LineRequirement): Promise<PluginVerdict> {
  const { unusable } = judge
  const isSeen = judge.findings.of(requirement.id).length > 0
  if (unusable !== undefined && !isSeen) return { requirement, outcome: 'not-applicable', reason: unusable }
  const verdict = await prove(judge, requirement)
  await judge.endProof(verdict.outcome === 'failed')
  const skip = judge.options.settings.skip?.find((item) => item.requirement === requirement.id)
  if (skip === undefined || verdict.outcome === 'not-applicable') return verdict
  if (verdict.outcome === 'failed') return { ...verdict, outcome: 'skipped', reason: skip.reason }
  return { requirement, outcome: 'failed', error: new Error('Skipped, but it passes: remove the skip.') }
}

async function prove(
  judge: Judge,
  requirement: LineRequirement,
): Promise<Exclude<PluginVerdict, { outcome: 'skipped' }>> {
  try {
    await proofs[requirement.id](judge)
    return { requirement, outcome: 'passed' }
  } catch (error) {
    if (error instanceof NotApplicable) return { requirement, outcome: 'not-applicable', reason: error.message }
    return { requirement, outcome: 'failed', error }
  }
}
